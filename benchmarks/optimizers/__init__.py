"""Rivals that PyTorch does not have, written from their papers for the comparison in docs/shampoo.md.

They are short and plain, not fast. A config names them as ``benchmarks.optimizers.soap:SOAP``.
"""
