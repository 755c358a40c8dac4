(**
# Which changes of a screen are true?

A screen is simulated, so that it is known what every perturbation changes. Tests of counts are judged by it: how many changes
they find, how many of their findings are false, and whether fold changes have their true size. Run it with

    dotnet fsi docs/differential-expression.fsx

after `dotnet fsi build.fsx build`. What the tests do is in docs/differential-expression.md.
*)
#if PACKAGE
#r "nuget: CoExpr, 0.1.0"
#else
#r "../src/CoExpr/bin/Release/net10.0/MathNet.Numerics.dll"
#r "../src/CoExpr/bin/Release/net10.0/CoExpr.Kernels.dll"
#r "../src/CoExpr/bin/Release/net10.0/CoExpr.Hdf5.dll"
#r "../src/CoExpr/bin/Release/net10.0/CoExpr.dll"
#endif

open System
open System.IO
open CoExpr

/// The value, or the end of the script with a sentence on what is wrong.
let orStop result =
    match result with
    | Ok value -> value
    | Error error ->
        eprintfn $"{CoExprError.describe error}"
        exit 2

(**
## A screen

Ten perturbations of 2,000 genes, of which each changes a twentieth; 4,000 cells, and most genes have few counts. Your own would
come from `CoExpr.IO.Input.read CoExpr.IO.Input.standard "screen.h5ad"`.
*)
let simulated =
    Simulation.run {
        SimulationOptions.defaults with
            Cells = 4000
            Genes = 2000
            Abundance = SimulatedAbundance.Density 0.3
            Perturbations = {
                SimulationOptions.defaults.Perturbations with
                    Count = 10
                    AffectedFraction = 0.05
                    Efficiency = 1.0
            }
            Seed = 5UL
    }
    |> orStop

/// The true log2 fold change of a gene, 0 where a perturbation leaves it alone.
let truth =
    let known =
        dict [
            for effect in simulated.PerturbationEffects ->
                (effect.Perturbation, effect.Gene), effect.ExpectedLog2FoldChange
        ]

    fun key ->
        match known.TryGetValue key with
        | true, change -> change
        | _ -> 0.0

(**
## Tests

Likelihood ratios are the default. What they are measured against here is what CRISPYx does by default, which lets no fitted
mean fall below 0.5, as DESeq2's default does, too.
*)
let options = {
    DifferentialExpression.defaults with
        Control = Some "non-targeting"
}

let tested test =
    DifferentialExpression.compute Progress.none { options with Test = test } simulated.Cells
    |> orStop

let counts = {
    NegativeBinomialScreen.defaults with
        Shrink = FoldShrinkage.ByCounts
}

let ours = tested (DifferentialTest.NegativeBinomial counts)
let clamped = tested (DifferentialTest.Crispyx CrispyxScreen.defaults)

/// Every row with its truth: perturbation, gene, place among the rows, true change.
let rowsOf (found: DifferentialResult) = [|
    for row in 0 .. found.Perturbations.Length - 1 do
        for gene in 0 .. found.GeneTable.Names.Length - 1 ->
            let key = found.Perturbations[row], found.GeneTable.Names[gene]
            row * found.GeneTable.Names.Length + gene, truth key
|]

(**
## Findings

At q ≤ 0.05 about 5 % of the findings should be false, and 5 % of the unchanged genes have p ≤ 0.05.
*)
let share part whole = float part / float (max 1 whole)

let judge name (found: DifferentialResult) =
    let rows = rowsOf found
    let hits = rows |> Array.filter (fun (place, _) -> found.Rows.QValue[place] <= 0.05)
    let wrong = hits |> Array.filter (fun (_, change) -> change = 0.0)

    let unchanged =
        rows
        |> Array.filter (fun (place, change) -> change = 0.0 && not (Double.IsNaN found.Rows.PValue[place]))

    let below =
        unchanged |> Array.filter (fun (place, _) -> found.Rows.PValue[place] <= 0.05)

    printfn
        $"{name}: {hits.Length - wrong.Length} changes found, %.1f{100.0 * share wrong.Length hits.Length} %% of the findings false, p <= 0.05 in %.1f{100.0 * share below.Length unchanged.Length} %% of the unchanged"

judge "likelihood ratios" ours
judge "means not below 0.5" clamped

(**
What is above 5 % comes from size factors: they are total counts, of which changed genes are a part. Where a tenth of 1,000
genes change instead, 9 % of the findings are false, and 4 % with `SizeFactorKind.PositiveCounts`.
*)

(**
## Sizes

The slope of estimated on true fold changes, genes apart by their mean in the control: 1 if changes have their size.
*)
let slope (found: DifferentialResult) low high =
    let rows =
        rowsOf found
        |> Array.filter (fun (place, change) ->
            let mean = ours.Rows.ReferenceMean[place]

            change <> 0.0
            && mean >= low
            && mean < high
            && found.Rows.Status[place] = RowStatus.Tested)

    let estimate place = found.Rows.LogFoldChange[place]

    (rows |> Array.sumBy (fun (place, change) -> change * estimate place))
    / (rows |> Array.sumBy (fun (_, change) -> change * change))

for low, high in [ 0.05, 0.1; 0.1, 0.3; 0.3, 1.0; 1.0, infinity ] do
    printfn $"control mean %.2f{low} to {high}: slope %.2f{slope ours low high}, clamped %.2f{slope clamped low high}"

(**
## Which are large?

A large estimate of a gene with few counts may be luck. Shrunken fold changes are the most likely ones given how widely those
of the other genes spread; the s-value is the share of wrong signs among the genes that are as sure.
*)
let first = ours.Perturbations[0]
let genes = ours.GeneTable.Names
let shrunken = ours.Rows.Named FoldChangeShrinkage.Shrunken
let sValues = ours.Rows.Named FoldChangeShrinkage.SValue

for gene in
    [| 0 .. genes.Length - 1 |]
    |> Array.sortByDescending (fun gene -> abs shrunken[gene])
    |> Array.truncate 5 do
    printfn
        $"{first} {genes[gene]}: %5.2f{ours.Rows.LogFoldChange[gene]}, shrunken %5.2f{shrunken[gene]}, s %.3f{sValues[gene]}, true %5.2f{truth (first, genes[gene])}"

(**
## One perturbation against another

Contrasts have the dispersions of the whole screen; `second vs control` less `first vs control` is their fold change.
*)
let second = ours.Perturbations[1]

let contrast =
    DifferentialExpression.compute
        Progress.none
        {
            options with
                Contrasts = [ { Label = second; Reference = first } ]
        }
        simulated.Cells
    |> orStop

let hits = contrast.Rows.QValue |> Array.filter (fun q -> q <= 0.05) |> Array.length

printfn $"{contrast.Perturbations[0]}: {hits} genes differ"

(**
## A page with figures

Volcanoes, hits, p-values against chance, dispersions, as one page that opens without a network.
*)
let file = Path.Combine(Path.GetTempPath(), "coexpr-differential-expression.html")

File.WriteAllText(file, DifferentialReport.page "simulated screen" [] ours)
printfn $"{file}"
