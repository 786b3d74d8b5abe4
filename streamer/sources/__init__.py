"""Where sound comes from: microphones, standard input and files."""
