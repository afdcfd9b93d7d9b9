"""A GitHub stand-in over a local git repository, and the script of catnet demo."""
