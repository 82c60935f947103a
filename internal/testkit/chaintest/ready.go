package chaintest

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing/fstest"

	"github.com/causeway-fund/causeway/internal/testkit/devnet/btcdnode"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/faucet"
)

// ready is the folder of a node that was stopped at height Ready, with its miner's key. It is
// kept in memory, since no test lives as long as the process does.
var ready = sync.OnceValues(func() (fs.FS, error) {
	ctx := context.Background()
	bin, err := btcd()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "chaintest-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left lies among the system's temporary files
	key, err := faucet.LoadKey(filepath.Join(dir, "miner.key"))
	if err != nil {
		return nil, err
	}
	node, err := btcdnode.Start(
		ctx,
		btcdnode.Config{Bin: bin, Dir: filepath.Join(dir, "btcd"), MiningAddress: key.Address()},
	)
	if err != nil {
		return nil, err
	}
	if _, err := node.Generate(ctx, Ready); err != nil {
		_ = node.Kill() // the error above says more
		return nil, fmt.Errorf("mine %d blocks: %w", Ready, err)
	}
	if err := node.Stop(ctx); err != nil {
		return nil, fmt.Errorf("stop the node that mined: %w", err)
	}
	return inMemory(dir)
})

// inMemory reads the regular files below dir, without what the next node makes for itself.
func inMemory(dir string) (fs.FS, error) {
	files := fstest.MapFS{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		data, err := fs.ReadFile(root, path)
		files[path] = &fstest.MapFile{Data: data, Mode: info.Mode().Perm()}
		return err
	})
	return files, err
}
