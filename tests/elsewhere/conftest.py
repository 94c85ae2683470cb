"""The tiny model and its small training set, as the tests of training have them."""

from tests.training.conftest import bench as bench
