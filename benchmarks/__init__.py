"""Programs that measure, and write their results into docs/: no product code, no tests.

Speed and size of parts: training_step, lanes, skip, engines, unrolled, large_matrix, folds.
Whole networks, and the pages about them: networks, cnv, methods, codesign, explored, swept,
    targets, paper, results, pages. Verification is in tests/; its long part, tests/acceptance/,
    runs with `make verify`.
"""
