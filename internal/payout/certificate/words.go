package certificate

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// paramsOf returns the network of that name, or nil.
func paramsOf(name string) *chaincfg.Params {
	for _, net := range []*chaincfg.Params{
		&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.SigNetParams,
		&chaincfg.SimNetParams, &chaincfg.RegressionNetParams,
	} {
		if net.Name == name {
			return net
		}
	}
	return nil
}

// words returns what err says to a person.
func words(err error) string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// powerOfTwo writes a large number so that it can be compared at a glance.
func powerOfTwo(n *big.Int) string {
	if n.BitLen() <= 20 {
		return n.String()
	}
	return fmt.Sprintf("2^%d", n.BitLen()-1)
}
