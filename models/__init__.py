"""The shipped models, a card beside each, and the code that trains, evaluates and exports them.

Training needs TensorFlow; importing this package needs nothing.
"""
