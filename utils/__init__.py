"""Machinery: cache, lanes, memory. Knows nothing of statistics; could be lifted out unread."""
