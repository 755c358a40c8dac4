(**
# Which measure finds the modules, and are p-values true?

Cells are simulated in which eight modules of 20 genes are known, every measure ranks all pairs of genes, and the share of
its strongest k pairs whose two genes are of one module is counted. Then genes are simulated that have nothing to do with
each other, and their p-values are compared with what they promise. Run it with

    dotnet fsi docs/which-measure.fsx

after `dotnet fsi build.fsx build`. The tables of docs/co-expression.md are what it prints; the seed of all is 1.
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

let seed = 1UL

/// The value, or the end of the script with a sentence on what is wrong.
let orStop result =
    match result with
    | Ok value -> value
    | Error error ->
        eprintfn $"{CoExprError.describe error}"
        exit 2

(**
## Cells

2,000 cells of three types and 2,000 genes, as `coexpr simulate --cells 2000 --genes 2000 --groups 3 --modules 8
--module-strength 1 --density D` makes them: a quarter of a module's genes fall where the others rise, and size factors
differ between cells, as they do in life.
*)
let simulate density =
    let standard = SimulationOptions.defaults

    Simulation.run {
        standard with
            Cells = 2000
            Abundance = SimulatedAbundance.Density density
            Groups = { standard.Groups with Count = 3 }
            Modules = {
                standard.Modules with
                    Count = 8
                    Strength = 1.0
            }
            Seed = seed
    }
    |> orStop

let normalised (cells: Cells) = {
    cells with
        Counts = Normalization.log1p TargetSum.Median cells.Counts
}

(**
## Precision

All pairs are ranked, by magnitude where not said otherwise: a gene that falls belongs to its module, too.
*)
let precision (simulated: SimulatedCells) options prepare =
    let result =
        Coexpression.compute Progress.none { options with Keep = Keep.All } (prepare simulated.Cells)
        |> orStop

    let scores = result.Scores

    let moduleOf =
        simulated.ModuleMembers
        |> Array.map (fun entry -> entry.Gene, entry.Module)
        |> Map.ofArray

    let ofGene = scores.Genes |> Array.map (fun gene -> Map.tryFind gene moduleOf)

    let strength score =
        match options.Strength with
        | Strength.Score -> score
        | Strength.Magnitude -> abs score

    let pairs = [|
        for a in 0 .. scores.Genes.Length - 1 do
            for partner in scores.Partners a do
                if partner.Gene > a then
                    struct (-(strength partner.Score), a, partner.Gene)
    |]

    Array.sortInPlace pairs

    fun k ->
        let right =
            pairs
            |> Array.truncate k
            |> Array.filter (fun struct (_, a, b) -> ofGene[a].IsSome && ofGene[a] = ofGene[b])

        float right.Length / float k

let standard = {
    Coexpression.defaults with
        Cells = CellsIn.All
        Signed = false
        Strength = Strength.Magnitude
}

let either = {
    standard with
        Cells = CellsIn.EitherGene
}

let measures: (string * CoexpressionOptions * (Cells -> Cells)) list = [
    "MI, `--cells either`", either, id
    "signed MI, `--cells either` (default), highest first",
    {
        either with
            Signed = true
            Strength = Strength.Score
    },
    id
    "MI, `--cells all`", standard, id
    "MI of log-normalised counts, `--cells all`", standard, normalised
    "signed MI, `--cells all`, highest first",
    {
        standard with
            Signed = true
            Strength = Strength.Score
    },
    id
    "MI, Miller–Madow",
    {
        standard with
            Estimator = Estimator.MillerMadow
            Strength = Strength.Score
    },
    id
    "MI, shrinkage",
    {
        standard with
            Estimator = Estimator.Shrinkage
    },
    id
    "MI over the lower entropy",
    {
        standard with
            Measure = Measure.NormalizedInformation NormalizedBy.Minimum
    },
    id
    "MI over the mean entropy",
    {
        standard with
            Measure = Measure.NormalizedInformation NormalizedBy.Mean
    },
    id
    "MI over the joint entropy",
    {
        standard with
            Measure = Measure.NormalizedInformation NormalizedBy.Joint
    },
    id
    "MI, CLR",
    {
        standard with
            Transform = Transform.ContextLikelihood
    },
    id
    "MI, MRNET",
    {
        standard with
            Transform = Transform.MinimumRedundancy
    },
    id
    "Pearson",
    {
        standard with
            Measure = Measure.Pearson
    },
    id
    "Pearson of log-normalised counts",
    {
        standard with
            Measure = Measure.Pearson
    },
    normalised
    "Spearman",
    {
        standard with
            Measure = Measure.Spearman
    },
    id
    "Spearman of log-normalised counts",
    {
        standard with
            Measure = Measure.Spearman
    },
    normalised
    "cosine",
    {
        standard with
            Measure = Measure.Cosine
    },
    id
    "Jaccard",
    {
        standard with
            Measure = Measure.Jaccard
    },
    id
]

let thin, dense = simulate 0.1, simulate 0.3

printfn "| measure | 10 %%, k = 100 | 10 %%, k = 1,000 | 30 %%, k = 100 | 30 %%, k = 1,000 |"
printfn "| --- | --- | --- | --- | --- |"

for name, options, prepare in measures do
    let ofThin, ofDense =
        precision thin options prepare, precision dense options prepare

    printfn $"| {name} | %.2f{ofThin 100} | %.2f{ofThin 1000} | %.2f{ofDense 100} | %.2f{ofDense 1000} |"

(**
## Are p-values true?

600 genes without modules in 2,000 cells of one type. With size factors that are all the same the genes are independent, and
a p of at most 0.05 should come up for 5 of 100 pairs; with size factors that differ all genes rise and fall together, and the
test rightly says that they are not independent. Genes are taken by the number of cells that express them.
*)
let independent spread =
    let options = SimulationOptions.defaults

    (Simulation.run {
        options with
            Cells = 2000
            Genes = 600
            Abundance = SimulatedAbundance.Density 0.2
            LibrarySizeSd = spread
            Seed = seed
     }
     |> orStop)
        .Cells

let called spread least most =
    let cells = independent spread

    let genes =
        Array.init cells.Counts.Genes id
        |> Array.filter (fun gene ->
            let expressed = cells.Counts.ByGene.Length gene
            expressed >= least && expressed <= most)

    let result =
        Coexpression.compute
            Progress.none
            {
                standard with
                    PValues = true
                    Keep = Keep.All
            }
            (Cells.takeGenes genes cells)
        |> orStop

    let tests, scores = result.Tests.Value, result.Scores

    let ps = [|
        for a in 0 .. genes.Length - 1 do
            for b in a + 1 .. genes.Length - 1 -> tests.PValue(a, b, (scores.TryInformation(a, b)).Value)
    |]

    let share limit =
        float (ps |> Array.filter (fun p -> p <= limit) |> Array.length)
        / float ps.Length

    ps.Length, share 0.05, share 0.001

printfn ""
printfn "| size factors | cells that express a gene | pairs | p ≤ 0.05 | p ≤ 0.001 |"
printfn "| --- | --- | --- | --- | --- |"

for name, spread in [ "all the same", 0.0; "differ (sd of ln 0.4)", 0.4 ] do
    for least, most in [ 3, 30; 31, 200; 201, 800; 801, 2000 ] do
        let pairs, often, rarely = called spread least most
        printfn $"| {name} | {least} to {most} | %d{pairs} | %.4f{often} | %.5f{rarely} |"
