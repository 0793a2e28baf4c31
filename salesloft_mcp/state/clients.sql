-- What a server last saw of each client, by the name that the client gives itself: `asks` are the ways to ask its person
-- that it declared, separated by spaces. How it answered the last question, and after how many seconds, is kept as it
-- was, because some clients decline unseen. Times are in seconds since 1970.
CREATE TABLE clients (
    tenant       TEXT NOT NULL,
    name         TEXT NOT NULL,
    version      TEXT NOT NULL,
    protocol     TEXT NOT NULL,
    asks         TEXT NOT NULL,
    seen_at      REAL NOT NULL,
    answer       TEXT NOT NULL DEFAULT '',
    answered_in  REAL NOT NULL DEFAULT 0,
    answered_at  REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, name)
);
