"""From a bench file to a wired bench, and the facade that tests see."""
