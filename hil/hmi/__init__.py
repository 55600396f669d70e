"""What a person sees: frames from a source, a layout that says what is where, readers, checks in the user's units."""
