package superd

import (
	"os"
	"testing"

	"superd/superd/testnet"
)

func TestMain(m *testing.M) {
	testnet.Enter()
	os.Exit(m.Run())
}
