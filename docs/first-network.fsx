(**
# A first network

Which genes share information in these cells, and how much? This script simulates cells in which that is known, scores
every pair of genes, and compares. Run it with

    dotnet fsi docs/first-network.fsx

after `dotnet fsi build.fsx build`. To run it against the packages instead, make them with `dotnet fsi build.fsx pack`, tell
NuGet of them once with `dotnet nuget add source "$PWD/artifacts/packages" --name CoExpr`, and add `--define:PACKAGE`.
*)
#if PACKAGE
#r "nuget: CoExpr, 0.1.0"
#else
#r "../src/CoExpr/bin/Release/net10.0/MathNet.Numerics.dll"
#r "../src/CoExpr/bin/Release/net10.0/CoExpr.Kernels.dll"
#r "../src/CoExpr/bin/Release/net10.0/CoExpr.Hdf5.dll"
#r "../src/CoExpr/bin/Release/net10.0/CoExpr.dll"
#endif

open CoExpr
open CoExpr.Kernels

/// The value, or the end of the script with a sentence on what is wrong.
let orStop result =
    match result with
    | Ok value -> value
    | Error error ->
        eprintfn $"{CoExprError.describe error}"
        exit 2

(**
## Cells

2,000 cells of three types and 2,000 genes, of which 160 belong to eight modules. The genes of a module follow one hidden
factor of the cell; a quarter of them fall where the others rise. Your own cells would come from
`CoExpr.IO.Input.read CoExpr.IO.Input.standard "cells.h5ad"`.
*)
let simulated =
    Simulation.run {
        SimulationOptions.defaults with
            Cells = 2000
            Abundance = SimulatedAbundance.Density 0.3
            Groups = {
                SimulationOptions.defaults.Groups with
                    Count = 3
            }
            Modules = {
                SimulationOptions.defaults.Modules with
                    Count = 8
                    Strength = 1.0
            }
    }
    |> orStop

(**
## Scores

Mutual information of every pair, in bits, over all cells. The 20 strongest partners of each gene are kept.
*)
let network cellsIn =
    Coexpression.compute
        Progress.none
        {
            Coexpression.defaults with
                Cells = cellsIn
                Keep = Keep.Top 20
        }
        simulated.Cells
    |> orStop

let scores = (network CellsIn.All).Scores
printfn $"{scores.Genes.Length} genes, {scores.PairCount} pairs kept"

let first = simulated.ModuleMembers[0]
let number = scores.TryGene(first.Gene).Value
printfn $"strongest partners of {first.Gene}, of {first.Module}:"

for partner in PairScores.strongest Strength.Score scores number |> Array.truncate 5 do
    printfn $"  {scores.Genes[partner.Gene]}  %.3f{partner.Score} bits over {partner.Cells} cells"

(**
## Compared with the truth

How many genes of a module have a gene of their own module as their strongest partner? The convention that leaves out the
cells in which neither gene is expressed (`CellsIn.EitherGene`, the default, after GeneVector) makes genes that rarely meet
look informative about each other; over all cells that does not happen.
*)
let moduleOf = dict [ for m in simulated.ModuleMembers -> m.Gene, m.Module ]

let recovered (scores: PairScores) =
    let members = scores.Genes |> Array.filter moduleOf.ContainsKey

    let isRight gene =
        let partners =
            PairScores.strongest Strength.Score scores (scores.TryGene(gene).Value)

        match Array.tryHead partners with
        | Some partner ->
            let name = scores.Genes[partner.Gene]
            moduleOf.ContainsKey name && moduleOf[name] = moduleOf[gene]
        | None -> false

    members |> Array.filter isRight |> Array.length, members.Length

for convention in [ CellsIn.All; CellsIn.EitherGene ] do
    let right, all = recovered (network convention).Scores
    printfn $"cells in {convention}: {right} of {all} genes find their own module first"
