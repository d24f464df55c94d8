"""A training config of one run of four steps."""

CONFIG = {
    "name": "tiny",
    "task": "mlp",
    "steps": 4,
    "learning_rates": [0.01],
    "seeds": [1],
    "optimizers": [{"name": "Adam", "kind": "adam"}],
}
