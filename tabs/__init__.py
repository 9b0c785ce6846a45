"""The page: Shiny modules that read inputs, call `logic` once and draw what comes back."""
