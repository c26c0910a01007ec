"""From archives and lists of URLs to images on disk and a manifest of them."""
