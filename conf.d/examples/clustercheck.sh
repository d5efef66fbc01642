#!/bin/sh
# A health check for load balancers: is this node of a Galera cluster synced? Started by superd once for each question.
# It answers any HTTP request and ignores what the request says.

# The request, up to its empty line: a client that is answered and closed on while it still speaks would see a reset.
carriage_return=$(printf '\r')
while IFS= read -r line && [ -n "${line%"$carriage_return"}" ]; do :; done

answer() {
	printf 'HTTP/1.1 %s\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s\n' \
		"$1" $((${#2} + 1)) "$2"
	exit 0
}

# wsrep_local_state: 4 is synced, 2 is a donor, which is behind while it sends its data to a new node.
state=$(mariadb --batch --skip-column-names --connect-timeout=5 \
	-e "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'WSREP_LOCAL_STATE'" 2>/dev/null) ||
	answer '503 Service Unavailable' 'The database server does not answer.'
case $state in
4) answer '200 OK' 'Galera cluster node is synced.' ;;
'') answer '503 Service Unavailable' 'The database server is not a node of a Galera cluster.' ;;
*) answer '503 Service Unavailable' "Galera cluster node is not synced (state $state)." ;;
esac
