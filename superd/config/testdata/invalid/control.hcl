service "ftp" {
	user	=	"ro	ot"; bad = "äöü" }
