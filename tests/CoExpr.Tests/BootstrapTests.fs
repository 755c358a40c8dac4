namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |], MaxTest = 25)>]
module BootstrapTests =

    let private few = {
        Bootstrap.defaults with
            Resamples = 5
            Seed = 3UL
            Threads = 2
    }

    /// The scores of a pair in each resample, from its cells written out.
    let private reference (options: BootstrapOptions) convention a b (genes: SmallGenes) =
        Array.init options.Resamples (fun i ->
            let weights = Resamples.draw options.Seed options.Draw genes.Cells i
            let a, b = SmallGenes.levels a genes, SmallGenes.levels b genes
            let either = convention = CellsIn.EitherGene

            let numerator, cells =
                Reference.Resampling.numerator Oracle.entry either weights a b

            if cells = 0 then
                0.0
            else
                float numerator / (float cells * 1073741824.0))

    let private allPairs genes = [| for row, column in Oracle.pairs genes -> struct (row, column) |]

    [<Property>]
    let ``is the spread of the scores in resamples written out`` (genes: SmallGenes) =
        let pairs = allPairs genes

        for convention in [ CellsIn.EitherGene; CellsIn.All ] do
            for draw in [ Draw.Bootstrap; Draw.Subsample 0.6 ] do
                let options = { few with Draw = draw }

                let found =
                    Bootstrap.pairs Progress.none options (SmallGenes.binned genes) convention pairs

                pairs
                |> Array.iteri (fun i (struct (a, b)) ->
                    Expect.equal (Bootstrap.spread 0.95 (reference options convention a b genes)) found[i])

    [<Property>]
    let ``does not depend on the order of the pairs, of the genes of a pair, or on the other pairs``
        (genes: SmallGenes)
        =
        let pairs = allPairs genes
        let binned = SmallGenes.binned genes

        let run options pairs =
            Bootstrap.pairs Progress.none options binned CellsIn.EitherGene pairs

        let expected = run few pairs
        let turned = pairs |> Array.map (fun (struct (a, b)) -> struct (b, a)) |> Array.rev
        Expect.equal expected (run { few with Threads = 1 } turned |> Array.rev)

        if pairs.Length > 0 then
            Expect.equal (Array.truncate 1 expected) (run few (Array.truncate 1 pairs))

    // 300 resamples are scored in two goes of 256 and 44.
    [<Test>]
    let ``more resamples than are scored at once are as good as few`` () =
        let genes = {
            Cells = 9
            Levels = [|
                [| 1uy; 1uy; 0uy; 2uy; 2uy; 0uy; 1uy; 0uy; 0uy |]
                [| 1uy; 0uy; 1uy; 2uy; 2uy; 0uy; 0uy; 0uy; 1uy |]
            |]
            Highest = [| 2uy; 2uy |]
            Values = [||]
        }

        let options = { few with Resamples = 300 }

        let found =
            Bootstrap.pairs Progress.none options (SmallGenes.binned genes) CellsIn.All [| struct (0, 1) |]

        Expect.equal (Bootstrap.spread 0.95 (reference options CellsIn.All 0 1 genes)) found[0]

    // 1 to 5: mean 3, squares 4 + 1 + 0 + 1 + 4 over 4; quantiles 0.1 and 0.9 at 0.4 and 3.6 of the sorted places.
    [<Test>]
    let ``summarises scores`` () =
        let spread = Bootstrap.spread 0.8 [| 5.0; 1.0; 4.0; 2.0; 3.0 |]
        Expect.equal (3.0<bit>, sqrt 2.5 * 1.0<bit>) (spread.Mean, spread.Deviation)
        Assert.That(float spread.Low, Is.EqualTo(1.4).Within 1e-12)
        Assert.That(float spread.High, Is.EqualTo(4.6).Within 1e-12)
        Expect.refused "1 scores" (fun () -> Bootstrap.spread 0.8 [| 5.0 |])

    /// The share of resamples in which each gene is among the k best of a regulator, by sorting all.
    let private slowFrequencies options convention (names: string[]) k regulator (genes: SmallGenes) =
        let scores =
            Array.init genes.Count (fun gene ->
                if gene = regulator then
                    [||]
                else
                    reference options convention regulator gene genes)

        let score gene i : float = (Array.item gene scores)[i]

        let chosen =
            [| 0 .. options.Resamples - 1 |]
            |> Array.collect (fun i ->
                [| 0 .. genes.Count - 1 |]
                |> Array.filter ((<>) regulator)
                |> Array.sortWith (fun a b ->
                    match compare (score b i) (score a i) with
                    | 0 -> String.CompareOrdinal(names[a], names[b])
                    | order -> order)
                |> Array.truncate k)

        Array.init genes.Count (fun gene ->
            float (chosen |> Array.filter ((=) gene) |> Array.length)
            / float options.Resamples)

    [<Property>]
    let ``frequencies are those of sorting every resample`` (genes: SmallGenes) (number: byte) =
        if genes.Count > 0 then
            // Names in another order than numbers.
            let names = Array.init genes.Count (fun gene -> $"gene{(gene * 7 + 3) % 10}")
            let k = 1 + int number % 4
            let regulators = [| 0..2 .. genes.Count - 1 |]

            let found =
                Bootstrap.frequencies Progress.none few (SmallGenes.binned genes) CellsIn.EitherGene names k regulators

            regulators
            |> Array.iteri (fun row regulator ->
                Expect.equal (slowFrequencies few CellsIn.EitherGene names k regulator genes) found[row])

    [<Test>]
    let ``options outside their range are refused`` () =
        let says options parts =
            Expect.says parts (Bootstrap.validate options)

        says { few with Resamples = 1 } [ "--bootstraps 1"; "2 to" ]
        says { few with Confidence = 1.0 } [ "--confidence 1"; "between 0 and 1" ]
        says { few with Confidence = nan } [ "--confidence NaN" ]
        says { few with Draw = Draw.Subsample 0.0 } [ "--subsample 0" ]
        Expect.ok (Bootstrap.validate few)
