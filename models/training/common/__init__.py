"""What every part of the training code uses."""
