namespace CoExpr.Tests

open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

module MeanProfilesTests =

    let private sample labels rows =
        PerturbedSample.cellsOf
            "sample"
            labels
            (Array.init (Array.length (Array.head rows)) (fun gene -> $"g{gene}"))
            rows

    let private groupsOf cells =
        Groups.create [ "target_gene" ] None cells |> Expect.ok

    let private valuesOf scale (cells: Cells) =
        ExpressionScale.values scale (Array.init cells.Counts.Genes id) cells.Counts

    let private small =
        lazy (sample [| "b"; "a"; "b" |] [| [| 1.0f; 0.0f |]; [| 4.0f; 4.0f |]; [| 3.0f; 0.0f |] |])

    [<Test>]
    let ``is the mean of each gene over the cells of a group, zeros included`` () =
        let bulk =
            MeanProfiles.compute 1 (groupsOf small.Value) (valuesOf ExpressionScale.AsTheyAre small.Value)

        Expect.equal [| "a"; "b" |] bulk.Labels
        Expect.equal [| 1; 2 |] bulk.Cells
        Expect.equal [| 4.0; 4.0; 2.0; 0.0 |] bulk.Means
        Expect.equal [| 2.0; 0.0 |] ((MeanProfiles.row bulk 1).ToArray())

    // Totals 1, 8 and 3: the median is 3.
    [<Test>]
    let ``of counts is that of ln (1 + count times median total over total)`` () =
        let bulk =
            MeanProfiles.compute 1 (groupsOf small.Value) (valuesOf ExpressionScale.Counts small.Value)

        let wanted = [| log 2.5; log 2.5; (log 4.0 + log 4.0) / 2.0; 0.0 |]

        for gene in 0..3 do
            Assert.That(bulk.Means[gene], Is.EqualTo(wanted[gene]).Within 1e-15)

    // Totals 1, NaN and 3: the median is 2.
    [<Test>]
    let ``of counts a cell that holds NaN bears on no other`` () =
        let cells =
            sample [| "a"; "b"; "c" |] [| [| 1.0f; 0.0f |]; [| nanf; 4.0f |]; [| 3.0f; 0.0f |] |]

        let bulk =
            MeanProfiles.compute 1 (groupsOf cells) (valuesOf ExpressionScale.Counts cells)

        Assert.That(bulk.Means[0], Is.EqualTo(log 3.0).Within 1e-15)
        Expect.equal [| nan; nan |] bulk.Means[2..3]
        Assert.That(bulk.Means[4], Is.EqualTo(log 3.0).Within 1e-15)

    [<Property(MaxTest = 40)>]
    let ``agrees with the definition, with the same bits for any number of threads``
        (NonEmptyArray rows: NonEmptyArray<byte * byte * byte>)
        =
        let labels = rows |> Array.map (fun (label, _, _) -> $"l{label % 4uy}")
        let rows = rows |> Array.map (fun (_, a, b) -> [| float32 a; float32 b / 7.0f |])
        let cells = sample labels rows
        let values = valuesOf ExpressionScale.AsTheyAre cells
        let bulk = MeanProfiles.compute 1 (groupsOf cells) values

        let close =
            bulk.Labels
            |> Array.mapi (fun group label ->
                let own =
                    Array.zip labels rows
                    |> Array.filter (fun (l, _) -> l = label)
                    |> Array.map (snd >> Array.map float)

                Array.forall2
                    (fun a b -> abs (a - b) < 1e-9)
                    (PerturbationEvaluation.mean own)
                    ((MeanProfiles.row bulk group).ToArray()))
            |> Array.forall id

        close && (MeanProfiles.compute 5 (groupsOf cells) values).Means = bulk.Means

    [<Test>]
    let ``values with decimals are logarithms, whole ones counts`` () =
        let scale value =
            ExpressionScale.detect (SparseCounts.OfDense(1, 2, [| 3.0f; value |]))

        Expect.equal ExpressionScale.Counts (scale 2.0f)
        // Up to 0.001 a fraction is taken for rounding.
        Expect.equal ExpressionScale.Counts (scale 2.0009f)
        Expect.equal ExpressionScale.Logarithms (scale 2.002f)

    [<Test>]
    let ``values that a scale has no room for are refused by gene and cell`` () =
        let settle allowMissing choice value =
            ExpressionScale.settle allowMissing choice (sample [| "a"; "a" |] [| [| 0.5f; 1.0f |]; [| 1.0f; value |] |])

        let detect = settle false ScaleChoice.Detect
        Expect.says [ "gene g1 has the value -0.5 in cell cell1"; "from 0 to below 15" ] (detect -0.5f)
        Expect.says [ "gene g1 has the value 15.5"; "--values counts" ] (detect 15.5f)
        Expect.says [ "gene g1 has the value NaN" ] (detect nanf)
        Expect.equal (Ok ExpressionScale.Logarithms) (detect 14.9f)
        Expect.equal (Ok ExpressionScale.Logarithms) (settle true ScaleChoice.Detect nanf)
        let counts = ScaleChoice.Given ExpressionScale.Counts
        Expect.says [ "Counts must be finite and not negative" ] (settle false counts -1.0f)
        Expect.equal (Ok ExpressionScale.Counts) (settle false counts 100.0f)
        let asIs = ScaleChoice.Given ExpressionScale.AsTheyAre
        Expect.equal (Ok ExpressionScale.AsTheyAre) (settle false asIs -100.0f)
        Expect.says [ "Values must be finite" ] (settle false asIs infinityf)
