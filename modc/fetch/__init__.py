"""From archives and lists of URLs to pictures on disk and a manifest of them."""
