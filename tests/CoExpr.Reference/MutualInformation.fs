namespace CoExpr.Reference

module Placeholder = let x = 1
