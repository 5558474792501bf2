"""Lists that come by themselves: from a watched folder, and from watched calendar addresses."""
