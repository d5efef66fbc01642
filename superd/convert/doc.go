// Package convert turns the files of other super-servers into superd's: xinetd.conf and xinetd.d, inetd.conf of many
// systems, and systemd's .socket and .service units.
//
// # The way of a file
//
//	PATH
//	   │ read                 whole, regular, of a bounded size; lines of UTF-8                 read.go
//	   ▼
//	 lines ── kind ───►  which of the three languages                                          kind.go
//	   ▼
//	 entries              the source language's own grammar, with its traps                     xinetd_parse.go, inetd_parse.go, systemd_parse.go
//	   ▼
//	 blocks               in superd's words; what has none is a remark and a comment            xinetd*.go, inetd*.go, systemd*.go
//	   │ finish               ids that are unique, services that superd check takes             finish.go
//	   ▼
//	 text                 as superd fmt would write it, and which line came from which          write.go
//
// What the source really did is kept, also where its author thought otherwise; a Remark then says so. What the source would have refused,
// and with it the whole service, is mended where it is plain what was meant, such as a comment behind a value or commas between
// addresses; else the service comes out switched off. Whether superd has an attribute, and takes a value, the attribute table of
// superd/config answers.
package convert
