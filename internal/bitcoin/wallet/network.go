package wallet

import (
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// networks returns the networks Causeway knows, in the order they are offered.
func networks() []*chaincfg.Params {
	return []*chaincfg.Params{
		&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.SigNetParams,
		&chaincfg.SimNetParams, &chaincfg.RegressionNetParams,
	}
}

// Params returns the parameters of mainnet, testnet3, signet, simnet or
// regtest. The error has code unknown_network.
func Params(network string) (*chaincfg.Params, error) {
	for _, net := range networks() {
		if net.Name == network {
			return net, nil
		}
	}
	return nil, errs.Newf(errs.Invalid, errs.CodeUnknownNetwork,
		"There is no network %q. Use one of mainnet, testnet3, signet, simnet, regtest.", network)
}
