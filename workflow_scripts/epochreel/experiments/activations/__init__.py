"""The experiment activations: a network learns to tell images apart, and shows what it sees."""
