/** A pattern of PostgreSQL's message and what mends it, as a full sentence. */
type Mend = readonly [RegExp, string];

/** What ends a starting or recovering server, the most specific first. */
export const fatalMends: readonly Mend[] = [
  [
    /^could not restore file ".*" from archive/,
    "The WAL could not be fetched and nothing was lost: recovery.signal is kept. Mend the storage, key or network, then continue.",
  ],
  [
    /^recovery ended before configured recovery target was reached/,
    "The archive ends before the target: choose the newest reachable moment, or add the missing WAL (pg_wal of the old server), and restore again.",
  ],
  [
    /^requested recovery stop point is before consistent recovery point/,
    "The target lies before this backup's end: choose an older backup.",
  ],
  [
    /^WAL ends before (?:end of online backup|consistent recovery point)/,
    "The WAL that this backup needs is incomplete: fetch the missing segments or choose another backup.",
  ],
  [
    /^recovery aborted because of insufficient parameter settings|is a lower setting than on the (?:primary|master)/,
    "Raise the settings that the log names (max_connections and so on) to the primary's values and start again.",
  ],
  [
    /^multiple recovery targets specified/,
    "Keep exactly one recovery_target setting; a leftover one stands in postgresql.auto.conf or an include.",
  ],
  [
    /^recovery target timeline \d+ does not exist/,
    "The timeline's .history file is not in the archive: choose a timeline that `pgrescue points` lists.",
  ],
  [
    /^requested timeline \d+ (?:is not a child of|does not contain)/,
    "The backup does not lie on the way to that timeline: choose another backup or timeline.",
  ],
  [
    /^(?:could not locate (?:required|a valid) checkpoint record|invalid checkpoint record)/,
    "backup_label is missing or its WAL is not there: restore the backup again, with backup_label and a working restore_command.",
  ],
  [/^must specify restore_command/, "Write restore_command into the recovery settings."],
  [
    /^using recovery command file "recovery.conf" is not supported/,
    "Move recovery.conf out of the data directory; since PostgreSQL 12 its settings stand in postgresql.conf.",
  ],
  [
    /^WAL file is from different database system/,
    "The archive belongs to another server: check the repository and the cluster's name.",
  ],
  [
    /^database files are incompatible with server/,
    "Start it with programs of the same major version, built with the same options.",
  ],
  [
    /^cannot connect to invalid database/,
    "The target lies after the first step of DROP DATABASE: restore again with the last earlier commit as the target.",
  ],
  [
    /^data directory ".*" has (?:wrong ownership|invalid permissions)/,
    "Give the data directory to the user that runs the server, with mode 0700 or 0750.",
  ],
  [
    /^lock file "postmaster\.pid" already exists|^pre-existing shared memory block/,
    "Another server runs on this directory, or its postmaster.pid was left: look for the process first.",
  ],
  [
    /^could not create any (?:TCP\/IP|Unix-domain) sockets/,
    "The port or socket is taken, or its directory is missing: choose another port.",
  ],
  [
    /^could not map anonymous shared memory/,
    "The machine lacks memory for shared_buffers: lower it, or turn huge_pages off.",
  ],
  [
    /^could not access file "(.*)"/,
    "A library in shared_preload_libraries is not installed: install it or take it off the list.",
  ],
  [
    /^(?:could not load (?:server certificate|private key|root certificate)|private key file)/,
    "The TLS files are missing or not readable for the server's user: mend them or set ssl = off here.",
  ],
  [
    /^configuration file ".*" contains errors|^unrecognized configuration parameter|^invalid value for parameter/,
    "Correct the setting that the lines before name.",
  ],
  [
    /^(?:could not open|could not stat) (?:directory|tablespace).*pg_tblspc/,
    "A tablespace's directory is missing: restore it to where its link points.",
  ],
  [/No space left on device/, "The disk is full: make room, never in pg_wal by hand, and continue."],
  [
    /^WAL contains references to invalid pages/,
    "The backup's files and the WAL do not fit: use another backup; do not set ignore_invalid_pages.",
  ],
  [/locale|collation/i, "Install the locale that the database was made with."],
  [
    /^could not open file "(?:.*\/)?postgresql\.conf"|cannot access the server configuration file/,
    "The configuration lies elsewhere: start it with config_file, or restore it from the backup's catalog.",
  ],
];

/** What the server goes on with, but an operator should know. */
export const troubleMends: readonly Mend[] = [
  [/No space left on device/, "The disk is full: make room, never in pg_wal by hand."],
  [/^archive command failed/, "Archiving fails: look at archive_command's output."],
  [/^(?:could not bind|bind) .*Address already in use/, "Another process has the port: choose another one."],
  [
    /contains errors; unaffected changes were applied|^unrecognized configuration parameter|^invalid value for parameter/,
    "Correct the setting that the line names.",
  ],
  [
    /^could not load (?:server certificate|private key)/,
    "The TLS files are missing or not readable for the server's user.",
  ],
];
