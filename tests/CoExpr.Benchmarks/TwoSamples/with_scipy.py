"""Seconds of processor time of scipy's mannwhitneyu per test: with_scipy.py VALUES GROUPS TESTS, two .npy files of one
gene's value and of the group of every cell; group 0 is the control, and the first TESTS others are compared with it."""

import sys
import time

import numpy as np
from scipy.stats import mannwhitneyu

values, groups, tests = np.load(sys.argv[1]), np.load(sys.argv[2]), int(sys.argv[3])
control = values[groups == 0]
mannwhitneyu(values[groups == 1], control)
start = time.process_time()
us = [mannwhitneyu(values[groups == group], control).statistic for group in range(1, tests + 1)]
print(repr((time.process_time() - start) / tests), *(repr(float(u)) for u in us))
