"""Solutions of lesson 9; `oco lessons export --teachers` puts them in the place of its starters."""


def memory_ratio():
    return (1000**2 + 4000**2) / (16 * 5000 + 2 * 16 + 2)


def shampoo_step(left, right, gradient, learning_rate):
    left, right = left + gradient @ gradient.T, right + gradient.T @ gradient
    step = root(left, -0.25) @ gradient @ root(right, -0.25)  # noqa: F821 (the lesson's)
    return left, right, learning_rate * step


def kronecker_times(a, b, x):
    return a @ x @ b.T


WRONG = {  # common wrong answers and their hints, for write_digests.py
    "9.1": {
        (1000**2 + 4000**2)
        / (16 * 5000): "each sketch also holds its eigenvalues and its escaped mass",
        4_000_000**2
        / (
            16 * 5000 + 34
        ): "this compares with full-matrix AdaGrad, which nobody stores",
        (16 * 5000 + 34) / (1000**2 + 4000**2): "this is the inverse",
        1000 * 4000 / (16 * 5000 + 34): "Shampoo's matrices are m by m and n by n",
        4000**2 / (16 * 5000 + 34): "Shampoo holds two matrices",
    },
}
