"""From the posteriors of single windows to stable scores and a label.

``hmm_smoother`` smooths the posteriors, ``hysteresis`` keeps the label from jumping.
"""
