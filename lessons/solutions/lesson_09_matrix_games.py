"""Solutions of lesson 9; `oco lessons export --teachers` puts them in the place of its starters."""


def memory_ratio():
    return (1000**2 + 4000**2) / (16 * 5000 + 2 * 16 + 2)


def shampoo_step(left, right, gradient, learning_rate):
    left, right = left + gradient @ gradient.T, right + gradient.T @ gradient
    step = root(left, -0.25) @ gradient @ root(right, -0.25)  # noqa: F821 (the lesson's)
    return left, right, learning_rate * step


def kronecker_times(a, b, x):
    return a @ x @ b.T
