"""Networks: hyper-parameters in, a `keras.Model` out, one file for each paper.

Losses, optimizers and training never come in here. A builder's defaults are its paper's.
"""
