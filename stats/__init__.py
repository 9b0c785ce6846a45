"""Statistics: frames and choices in, frozen results out. Pure; could be lifted out unread."""
