"""CAN: frames and databases (pure), ports, restbus. The signals that tests speak of become frames here, and back."""
