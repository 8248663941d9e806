"""Keys: the keyring, rotation of the master key, copies apart from every backup."""
