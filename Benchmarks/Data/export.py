"""Writes the digits as .npy, from the copy that scikit-learn carries."""

import pathlib

import numpy
from sklearn.datasets import load_digits

folder = pathlib.Path(__file__).parent
digits = load_digits()
numpy.save(folder / "digits-images.npy", digits.images.astype(numpy.uint8))
numpy.save(folder / "digits-labels.npy", digits.target.astype(numpy.int64))
