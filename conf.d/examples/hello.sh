#!/bin/sh
# A service of superd. It is started once for each client.
# What it prints, the client reads. What the client sends, it reads.

echo "Hello, world!"

# One line from the client, of any characters, up to its newline.
IFS= read -r message

# A line typed into telnet ends with a carriage return as well; take it off.
carriage_return=$(printf '\r')
message=${message%"$carriage_return"}

# superd says in the environment who the client is (REMOTE_HOST) and more.
printf 'Your message from %s was: %s\n' "$REMOTE_HOST" "$message"
