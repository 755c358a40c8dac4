namespace CoExpr.IO

open System
open System.Diagnostics
open CoExpr
open CoExpr.Kernels
