namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr

[<Properties(MaxTest = 4)>]
module BulkExpressionTests =

    let private table = Bulk.conditions [ "a", 4; "b", 4 ]
    let private design = Bulk.design "~ condition" table
    let private bToA = Bulk.compareLevels "b" "a"

    let private simulated seed =
        Bulk.counts (Bulk.simulate (uint64 (abs (int64 seed))) 60 design)

    /// The numbers of each result to the last bit, NaN included.
    let private bits (results: BulkResult[]) =
        results
        |> Array.map (fun r ->
            let shrunken =
                match r.Shrunken with
                | Some s -> [ s.Log2FoldChange; s.StandardError ]
                | None -> []

            [
                r.BaseMean
                r.Log2FoldChange
                r.StandardError
                r.Statistic
                r.PValue
                r.AdjustedPValue
            ]
            @ shrunken
            |> List.map BitConverter.DoubleToInt64Bits)

    let private genesOf (fit: BulkFit) =
        fit.Genes
        |> Array.map (fun g ->
            [
                g.GeneDispersion
                g.TrendDispersion
                g.PosteriorDispersion
                g.Dispersion
                g.MaxCooks
                g.Fit.LogLikelihood
            ]
            @ List.ofArray g.Fit.Coefficients
            |> List.map BitConverter.DoubleToInt64Bits)

    let private near tolerance (a: float) (b: float) =
        Double.IsNaN a && Double.IsNaN b
        || a = b
        || abs (a - b) <= tolerance * (1.0 + abs a)

    [<Property>]
    let ``threads change no bit`` (seed: int) =
        let run threads =
            Bulk.run
                {
                    DesignOptions.standard with
                        Threads = threads
                        Shrink = true
                }
                design
                bToA
                (simulated seed)

        let (one, a), (three, b) = run 1, run 3
        Expect.equal (genesOf one) (genesOf three)
        Expect.equal (bits a.Results) (bits b.Results)

    [<Property>]
    let ``the order of genes changes no bit`` (seed: int) =
        let counts = simulated seed
        let back = Array.init counts.Genes.Length (fun at -> counts.Genes.Length - 1 - at)
        let options = { Bulk.oneThread with Shrink = true }
        let _, a = Bulk.run options design bToA counts
        let _, b = Bulk.run options design bToA (SampleCounts.takeGenes back counts)
        Expect.equal (bits a.Results) (bits b.Results |> Array.rev)

    [<Property>]
    let ``the order of samples does not matter`` (seed: int) =
        let counts = simulated seed
        let order = [| 5; 2; 7; 0; 4; 1; 6; 3 |]

        let moved =
            SampleCounts.create
                "moved"
                counts.Genes
                (order |> Array.map (fun s -> counts.Samples[s]))
                (Array.init counts.Values.Length (fun at -> counts.Values[at / 8 * 8 + order[at % 8]]))
            |> Expect.ok

        let _, a = Bulk.run Bulk.oneThread design bToA counts

        let _, b =
            Bulk.run Bulk.oneThread (Bulk.design "~ condition" (Table.take order table)) bToA moved

        Array.forall2
            (fun (x: BulkResult) (y: BulkResult) ->
                near 1e-5 x.Log2FoldChange y.Log2FoldChange && near 1e-4 x.PValue y.PValue)
            a.Results
            b.Results

    [<Property>]
    let ``swapping the levels turns the sign`` (seed: int) =
        let counts = simulated seed
        let fit = BulkExpression.fit Bulk.oneThread design counts |> Expect.ok
        let there = BulkExpression.compare fit bToA |> Expect.ok
        let back = BulkExpression.compare fit (Bulk.compareLevels "a" "b") |> Expect.ok

        Array.forall2
            (fun (x: BulkResult) (y: BulkResult) ->
                near 1e-12 x.Log2FoldChange -y.Log2FoldChange && near 1e-12 x.PValue y.PValue)
            there.Results
            back.Results

    [<Property>]
    let ``likelihood ratios are not below 0, and agree with Wald's where the evidence is moderate`` (seed: int) =
        let counts = simulated seed
        let reduced = Bulk.design "~ 1" table

        let _, ratio =
            Bulk.run
                {
                    Bulk.oneThread with
                        Test = BulkTest.LikelihoodRatio reduced
                }
                design
                bToA
                counts

        let _, wald = Bulk.run Bulk.oneThread design bToA counts

        Array.forall2
            (fun (l: BulkResult) (w: BulkResult) ->
                Double.IsNaN l.Statistic
                || l.Statistic >= 0.0
                   && (w.BaseMean < 20.0
                       || abs w.Statistic > 3.0
                       || abs (sqrt l.Statistic - abs w.Statistic) < 0.35))
            ratio.Results
            wald.Results

    [<Test>]
    let ``finds what was simulated`` () =
        // 400 genes; the effects of simulate are drawn from N(0, 1) on ln, in four of ten genes.
        let design = Bulk.design "~ condition" (Bulk.conditions [ "a", 6; "b", 6 ])
        let counts = Bulk.counts (Bulk.simulate 11UL 400 design)

        let truth gene =
            let stream = Random.stream 11UL (Purpose.named "bulk test") gene
            let mean = exp (8.0 * stream.Uniform())
            stream.Normal() |> ignore
            mean, (if stream.Uniform() < 0.4 then stream.Normal() else 0.0)

        let _, comparison = Bulk.run DesignOptions.standard design bToA counts
        let known = Array.init 400 truth
        let found = comparison.Results |> Array.map (fun r -> r.AdjustedPValue < 0.1)

        let falseOnes =
            Array.map2 (fun f (_, e) -> f && e = 0.0) found known
            |> Array.filter id
            |> Array.length

        let large =
            Array.map2 (fun f (mean, e) -> abs e > 1.0 && mean > 30.0, f) found known
            |> Array.filter fst

        Assert.That(float falseOnes / float (found |> Array.filter id |> Array.length), Is.LessThan 0.15)
        Assert.That(large |> Array.averageBy (fun (_, f) -> if f then 1.0 else 0.0), Is.GreaterThan 0.75)

        let errors =
            Array.map2
                (fun (r: BulkResult) (mean, e) -> if mean > 30.0 then r.Log2FoldChange - e / log 2.0 else nan)
                comparison.Results
                known
            |> Array.filter (Double.IsNaN >> not)

        Assert.That(Array.average errors, Is.EqualTo(0.0).Within 0.08)

    [<Test>]
    let ``outcomes say why there is no p`` () =
        let three = Bulk.conditions [ "a", 4; "b", 4; "c", 4 ]
        let design = Bulk.design "~ condition" three
        let genes = Bulk.simulate 3UL 60 design
        genes[0] <- Array.zeroCreate 12
        genes[1] <- Array.append (Array.zeroCreate 8) [| 9.0; 12.0; 7.0; 10.0 |]

        genes[2] <-
            Array.concat [
                [| 50.0; 60.0; 55.0; 52.0 |]
                Array.zeroCreate 4
                [| 40.0; 50.0; 45.0; 60.0 |]
            ]

        genes[3] <- Array.append [| 100000.0 |] (Array.create 11 20.0)

        let fit, comparison =
            Bulk.run DesignOptions.standard design bToA (Bulk.counts genes)

        let outcome at = comparison.Results[at].Outcome
        Expect.equal BulkOutcome.NoCounts (outcome 0)
        Assert.That(comparison.Results[0].PValue, Is.NaN)
        Expect.equal FitStatus.AllZero fit.Genes[0].Fit.Status
        Expect.equal BulkOutcome.NoCountsCompared (outcome 1)
        Expect.equal 0.0 comparison.Results[1].Log2FoldChange
        Expect.equal 1.0 comparison.Results[1].PValue
        Expect.equal BulkOutcome.Unbounded (outcome 2)
        Assert.That(comparison.Results[2].Log2FoldChange, Is.LessThan -10.0)
        Expect.equal BulkOutcome.OutlyingCount (outcome 3)
        Assert.That(comparison.Results[3].PValue, Is.NaN)

        for result in comparison.Results do
            let missing = Double.IsNaN result.PValue

            Expect.equal
                (result.Outcome = BulkOutcome.NoCounts
                 || result.Outcome = BulkOutcome.OutlyingCount)
                missing

    [<Test>]
    let ``outliers among seven replicates are replaced, and can be left`` () =
        let design = Bulk.design "~ condition" (Bulk.conditions [ "a", 7; "b", 7 ])
        let genes = Bulk.simulate 4UL 40 design
        genes[3] <- Array.append [| 100000.0 |] (Array.create 13 20.0)

        let fit, comparison =
            Bulk.run DesignOptions.standard design bToA (Bulk.counts genes)

        Assert.That(fit.Genes[3].IsReplaced)
        Assert.That((fit.Counts.Of 3)[0], Is.LessThan 40.0)
        Expect.equal BulkOutcome.Tested comparison.Results[3].Outcome

        let kept, _ =
            Bulk.run
                {
                    DesignOptions.standard with
                        ReplaceFrom = None
                        Outliers = OutlierRule.Never
                }
                design
                bToA
                (Bulk.counts genes)

        Expect.equal 100000.0 ((kept.Counts.Of 3)[0])
        Assert.That(kept.Genes[3].IsReplaced, Is.False)

    [<Test>]
    let ``a high count among others as high is no outlier between two groups`` () =
        let design = Bulk.design "~ condition" (Bulk.conditions [ "a", 4; "b", 4 ])
        let genes = Bulk.simulate 6UL 40 design
        genes[0] <- [| 0.0; 0.0; 0.0; 300.0; 900.0; 800.0; 1000.0; 950.0 |]

        let fit, comparison =
            Bulk.run
                {
                    DesignOptions.standard with
                        Outliers = OutlierRule.Above 1e-3
                }
                design
                bToA
                (Bulk.counts genes)

        Assert.That(fit.Genes[0].MaxCooks, Is.GreaterThan 1e-3)
        Assert.That(fit.IsExceeded[0])
        Assert.That(comparison.Results[0].Outcome, Is.Not.EqualTo BulkOutcome.OutlyingCount)

    [<Test>]
    let ``one gene, and genes without trend`` () =
        let one = Bulk.counts [| [| 12.0; 9.0; 20.0; 15.0; 30.0; 44.0; 25.0; 38.0 |] |]

        let options = {
            Bulk.oneThread with
                Trend = None
                Factors = SampleFactors.LibrarySize
        }

        let fit, _ = Bulk.run options design bToA one
        Expect.equal fit.Genes[0].GeneDispersion fit.Genes[0].Dispersion
        Assert.That(fit.Genes[0].TrendDispersion, Is.NaN)

        let mean = {
            options with
                Trend = Some TrendKind.Mean
                Factors = SampleFactors.Given(Array.create 8 1.0)
        }

        let _, comparison = Bulk.run mean design bToA one
        Assert.That(comparison.Results[0].Log2FoldChange, Is.EqualTo(Math.Log2(137.0 / 56.0)).Within 1e-6)

    [<Test>]
    let ``given dispersions are used as they are`` () =
        let one = Bulk.counts [| [| 12.0; 9.0; 20.0; 15.0; 30.0; 44.0; 25.0; 38.0 |] |]

        let options = {
            Bulk.oneThread with
                Dispersions = Some [| 0.2 |]
                Factors = SampleFactors.Given(Array.create 8 1.0)
                Outliers = OutlierRule.Never
        }

        let fit, comparison = Bulk.run options design bToA one
        Expect.equal 0.2 fit.Genes[0].Dispersion
        // Var b = Σ over groups of 1 / (4 mu / (1 + alpha mu)).
        let part mu = (1.0 + 0.2 * mu) / (4.0 * mu)

        Assert.That(
            comparison.Results[0].StandardError,
            Is.EqualTo(sqrt (part 14.0 + part 34.25) / log 2.0).Within 1e-6
        )

    [<Test>]
    let ``one sample of each group is refused, but with dispersions`` () =
        let design = Bulk.design "~ condition" (Bulk.conditions [ "a", 1; "b", 1 ])
        let counts = Bulk.counts [| [| 5.0; 9.0 |]; [| 7.0; 3.0 |] |]

        BulkExpression.run DesignOptions.standard design [ bToA ] counts
        |> Expect.says [
            "2 samples are left where at least 3 are needed"
            "without replicates"
            "give dispersions"
        ]

        let given = {
            DesignOptions.standard with
                Dispersions = Some [| 0.1; 0.1 |]
        }

        let _, comparison = Bulk.run given design bToA counts
        Assert.That(comparison.Results[0].PValue, Is.GreaterThan 0.0)

    [<Test>]
    let ``says what is wrong with options`` () =
        let counts = simulated 1

        let attempt options =
            BulkExpression.run options design [ bToA ] counts

        let standard = DesignOptions.standard

        attempt { standard with Threshold = -1.0 }
        |> Expect.says [ "threshold -1"; "0 or more" ]

        attempt {
            standard with
                Alternative = Alternative.LessAbs
        }
        |> Expect.says [ "threshold above 0" ]

        attempt { standard with Alpha = 1.0 } |> Expect.says [ "alpha 1" ]
        attempt { standard with ReplaceFrom = Some 2 } |> Expect.says [ "3 or more" ]

        attempt {
            standard with
                Outliers = OutlierRule.Above 0.0
        }
        |> Expect.says [ "Cook's distance 0" ]

        attempt { standard with Threads = 0 } |> Expect.says [ "threads 0" ]

        attempt {
            standard with
                Dispersions = Some [| 1.0 |]
        }
        |> Expect.says [ "dispersions: 1 where 60" ]

        attempt {
            standard with
                Dispersions = Some(Array.create 60 -1.0)
        }
        |> Expect.says [ "0 or more" ]

        attempt {
            standard with
                Test = BulkTest.LikelihoodRatio design
        }
        |> Expect.says [ "reduced design"; "part of the design" ]

        attempt {
            standard with
                Test = BulkTest.LikelihoodRatio(Bulk.design "~ 1" table)
                Threshold = 1.0
        }
        |> Expect.says [ "neither threshold nor direction" ]

        let other = Bulk.design "~ 1" (Bulk.conditions [ "a", 3 ])

        attempt {
            standard with
                Test = BulkTest.LikelihoodRatio other
        }
        |> Expect.says [ "3 where 8" ]

        BulkExpression.run standard other [ bToA ] counts
        |> Expect.says [ "samples of the design: 3 where 8" ]

        let zero = Bulk.counts [| Array.zeroCreate 8 |]

        BulkExpression.run standard design [ bToA ] zero
        |> Expect.says [ "0 in every sample" ]

        let three = Bulk.design "~ condition" (Bulk.conditions [ "a", 3; "b", 3; "c", 2 ])

        BulkExpression.run { standard with Shrink = true } three [ Bulk.compareLevels "c" "b" ] counts
        |> Expect.says [ "one coefficient"; "reference of its factor" ]

        let renamed =
            Bulk.design "~ condition" {
                table with
                    Names = Array.rev table.Names
            }

        BulkExpression.run standard renamed [ bToA ] counts
        |> Expect.says [ "in their order" ]

module PseudobulkTests =

    let private cells =
        let counts =
            Counts.ofCells 2 [|
                [| 1.0f; 2.0f |]
                [| 0.0f; 5.0f |]
                [| 3.0f; 0.0f |]
                [| 4.0f; 1.0f |]
                [| 7.0f; 7.0f |]
            |]

        let table =
            Table.ofNames (Array.init 5 (fun at -> $"cell{at}"))
            |> Table.withColumn "perturbation" (Column.Text [| "p"; "c"; "p"; "p"; null |])
            |> Table.withColumn "replicate" (Column.categories [| "r1"; "r1"; "r1"; "r2"; "r2" |])

        Cells.create "cells" counts table (Table.ofNames [| "A"; "B" |]) |> Expect.ok

    let private create kind columns least =
        Pseudobulk.create kind columns least cells

    [<Test>]
    let ``sums cells of the same labels`` () =
        let made = create PseudobulkKind.Sum [ "perturbation"; "replicate" ] 1 |> Expect.ok
        Expect.equal [| "c|r1"; "p|r1"; "p|r2" |] made.Samples.Names
        Expect.equal [| 0.0; 4.0; 4.0; 5.0; 2.0; 1.0 |] made.Values
        Expect.equal 1 made.Unlabelled

        Expect.equal
            (Some(Column.Integer([| 1L; 2L; 1L |], [||])))
            (Table.tryColumn Pseudobulk.CellsColumn made.Samples)

        Expect.equal (Some(Column.Text [| "c"; "p"; "p" |])) (Table.tryColumn "perturbation" made.Samples)

    [<Test>]
    let ``means are per cell, and no counts`` () =
        let made = create PseudobulkKind.Mean [ "perturbation"; "replicate" ] 1 |> Expect.ok
        Expect.equal [| 0.0; 2.0; 4.0; 5.0; 1.0; 1.0 |] made.Values
        let halves = create PseudobulkKind.Mean [ "replicate" ] 1 |> Expect.ok
        Pseudobulk.counts "cells" halves |> Expect.says [ "gene A"; "whole numbers" ]

    [<Test>]
    let ``small samples are left out and told of`` () =
        let made = create PseudobulkKind.Sum [ "perturbation"; "replicate" ] 2 |> Expect.ok
        Expect.equal [| "p|r1" |] made.Samples.Names
        Expect.equal [| "c|r1", 1; "p|r2", 1 |] made.TooSmall

        create PseudobulkKind.Sum [ "replicate" ] 9
        |> Expect.says [ "samples of at least 9 cells"; "Lower" ]

        create PseudobulkKind.Sum [] 1 |> Expect.says [ "at least one column" ]
        create PseudobulkKind.Sum [ "replicate" ] 0 |> Expect.says [ "1 or more" ]

        create PseudobulkKind.Sum [ "replicat" ] 1
        |> Expect.says [ "no column replicat"; "perturbation, replicate" ]

    [<Test>]
    let ``the sum over all samples is the sum over all labelled cells`` () =
        let made = create PseudobulkKind.Sum [ "replicate" ] 1 |> Expect.ok
        Expect.equal 30.0 (Array.sum made.Values)
