-- Limits of the links between sites. The key is both names in their order, as a JSON array.

CREATE TABLE site_links (
    sites TEXT PRIMARY KEY,
    body TEXT NOT NULL
);
