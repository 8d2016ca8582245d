"""All hubs of a store as a folder of static pages, made again only where something is new."""
