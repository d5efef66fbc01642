package convert

type systemd struct {
	*draft
	*reader
}

func (u *systemd) path(path string) {}
