"""The parts of both packages from the ground up; test_architecture.py holds them to it."""

LAYERS = [
    {"_version", "types", "errors", "carried_kernels"},
    {
        "keywords",
        "needs",
        "snapshot",
        "memory",
        "numbers",
        "kernel_cache",
        "lanes",
        "plain_file",
        "html",
        "progress",
        "showing",
        "decomposition",
    },
    {"dispatcher", "lane_code"},
    {"compile", "plugins", "metrics"},
    {"datasets", "losses", "domains", "sketching"},
    {"regret"},
    {"comparators", "learners"},
    {"environments"},
    {"record", "spec"},
    {"tracking", "arguments", "continuing"},
    {"exchange"},
    {"game", "matrix_game"},
    {"attacks", "checks", "estimators"},
]
"""Parts of `oco` from the ground up: a part may import from lower layers and from itself, never sideways or up."""

EXPERIMENTS = [
    {"plugins", "printable", "statistics"},
    {"config", "tables"},
    {"plan"},
    {"store"},
    {"execution", "new_learner"},
    {"comparison", "training"},
    {"compare", "figures", "verification"},
    {"lessons", "report"},
    {"bench"},
    {"cli"},
]
"""Parts of `regret_experiments`, likewise; all of it is above all of `oco`."""
