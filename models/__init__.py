"""The shipped models with their cards, and the code that trains, evaluates and exports them.

Training needs TensorFlow; importing this package needs nothing.
"""
