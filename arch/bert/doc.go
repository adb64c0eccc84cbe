// Package bert is the family of BERT: encoders with learned positions whose layers normalise after the residual sum.
package bert
