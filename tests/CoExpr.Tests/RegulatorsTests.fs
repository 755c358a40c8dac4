namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.IO
open CoExpr.Kernels

/// Scoring a rectangle of pairs, and resampling what is kept of it.
module RegulatorsTests =

    let private everything = {
        Coexpression.defaults with
            Keep = Keep.All
            MinimumCells = 1
            Negatives = Negatives.AsZero
            Threads = 2
    }

    let private run options =
        Coexpression.compute Progress.none options Golden.cells.Value |> Expect.ok

    /// Every kept pair once.
    let private pairs (scores: PairScores) = [
        for gene in 0 .. scores.Genes.Length - 1 do
            for partner in scores.Partners gene do
                if partner.Gene > gene then
                    gene, partner.Gene, float partner.Score, partner.Cells
    ]

    /// Three of the golden genes, not in their order.
    let private chosen =
        lazy
            (let genes = (run everything).Scores.Genes
             [| genes[4]; genes[1]; genes[7] |])

    [<Test>]
    let ``the pairs of a rectangle are scored as among all, and no others`` () =
        let all = run everything
        let regulators = chosen.Value

        let found =
            run {
                everything with
                    Regulators = Some regulators
            }

        let isOne gene =
            Array.contains all.Scores.Genes[gene] regulators

        let expected =
            pairs all.Scores |> List.filter (fun (a, b, _, _) -> isOne a || isOne b)

        Expect.equal expected (pairs found.Scores)
        // Of 13 genes, 3 regulators: 3 x 10 pairs with the others and 3 among themselves.
        Expect.equal (33L, 33L) (found.PairsScored, found.Scores.PairCount)

    [<TestCase(1, 1)>]
    [<TestCase(5, 3)>]
    let ``threads and tiles change nothing`` (threads: int, tileGenes: int) =
        let options = {
            everything with
                Keep = Keep.Top 2
                Regulators = Some chosen.Value
                Resampling = {
                    Bootstraps = 70
                    Permutations = 20
                    Seed = 4UL
                    Confidence = 0.9
                }
        }

        let other =
            run {
                options with
                    Threads = threads
                    Backend = ScatterBackend(100, tileGenes, 2)
            }

        let result = run options
        Expect.equal (pairs result.Scores) (pairs other.Scores)
        Expect.equal result.Resampling other.Resampling

    // The options that pairs are kept by must not show in what is said of a pair.
    [<Test>]
    let ``what resamples say of a pair depends on the pair alone`` () =
        let resampling = {
            Bootstraps = 10
            Permutations = 10
            Seed = 4UL
            Confidence = 0.95
        }

        let all =
            run {
                everything with
                    Resampling = resampling
            }

        let few =
            run {
                everything with
                    Keep = Keep.Top 1
                    Resampling = resampling
            }

        let turned =
            Golden.cells.Value
            |> Cells.takeGenes (Array.rev [| 0 .. Golden.cells.Value.Counts.Genes - 1 |])

        let reversed =
            Coexpression.compute
                Progress.none
                {
                    everything with
                        Resampling = resampling
                }
                turned
            |> Expect.ok

        let said (result: CoexpressionResult) a b =
            let number name = (result.Scores.TryGene name).Value
            let place = result.Scores.Place(number a, number b)
            result.Resampling.Spreads[place], result.Resampling.PValues[place]

        for gene, partner, _, _ in pairs few.Scores do
            let a, b = few.Scores.Genes[gene], few.Scores.Genes[partner]
            Expect.equal (said all a b) (said few a b)
            Expect.equal (said all a b) (said few b a)
            Expect.equal (said all a b) (said reversed a b)

    [<Test>]
    let ``frequencies are shares of the bootstraps, and the pair's own`` () =
        let resampling = {
            PairResampling.none with
                Bootstraps = 50
                Seed = 1UL
        }

        let options = {
            everything with
                Regulators = Some chosen.Value
                Resampling = resampling
        }

        let result = run { options with Keep = Keep.Top 3 }
        let shares = result.Resampling.Frequencies
        Assert.That(shares, Has.Length.EqualTo(result.Resampling.Spreads.Length).And.All.InRange(0.0, 1.0))
        Assert.That(shares |> Array.exists (fun share -> share > 0.0 && share < 1.0), Is.True)
        // Nothing is among the strongest of all partners more often than always.
        let wide = run { options with Keep = Keep.Top 12 }
        Assert.That(wide.Resampling.Frequencies, Is.All.EqualTo 1.0)

        Expect.equal [||] (run { options with Keep = Keep.AtLeast 0.0 }).Resampling.Frequencies

    [<Test>]
    let ``unknown and absent regulators are refused`` () =
        let says names parts =
            Coexpression.compute
                Progress.none
                {
                    everything with
                        Regulators = Some names
                }
                Golden.cells.Value
            |> Expect.says parts

        let name = chosen.Value[0]
        says [| name; name + "x" |] [ "--regulators"; name + "x"; $"Did you mean {name}?" ]
        says [| "ALLZERO" |] [ "0 regulators"; "Of 1 regulators"; "--min-cells" ]

    [<Test>]
    let ``options outside their range are refused`` () =
        let says resampling parts =
            Expect.says
                parts
                (Coexpression.validate {
                    everything with
                        Resampling = resampling
                })

        says
            {
                PairResampling.none with
                    Bootstraps = 1
            }
            [ "--bootstraps 1" ]

        says
            {
                PairResampling.none with
                    Bootstraps = -3
            }
            [ "--bootstraps -3" ]

        says
            {
                PairResampling.none with
                    Permutations = -1
            }
            [ "--permutations -1" ]

        says
            {
                PairResampling.none with
                    Confidence = 95.0
            }
            [ "--confidence 95" ]

    [<Test>]
    let ``a list of genes is read line by line`` () =
        let path = Scratch.file "tfs.txt"
        File.WriteAllText(path, "GATA1\r\n\n  SPI1 \nGATA1\nKLF1")
        Expect.equal [| "GATA1"; "SPI1"; "KLF1" |] (Expect.ok (GeneList.read Progress.none path))
        File.WriteAllText(path, "\n \n")
        Expect.says [ "tfs.txt"; "no name" ] (GeneList.read Progress.none path)
        Expect.says [ "absent.txt"; "no such file" ] (GeneList.read Progress.none "absent.txt")

    let private resampled =
        lazy
            (run {
                everything with
                    Keep = Keep.Top 2
                    Regulators = Some chosen.Value
                    Resampling = {
                        Bootstraps = 20
                        Permutations = 9
                        Seed = 4UL
                        Confidence = 0.95
                    }
            })

    [<Test>]
    let ``a table has a column for each`` () =
        let path = Scratch.file "out.tsv"
        Expect.ok (CoexpressionFile.write Progress.none resampled.Value path)
        let lines = File.ReadAllLines path |> Array.map (fun line -> line.Split '\t')

        let expected = [|
            "gene_a"
            "gene_b"
            "mi"
            "cells"
            "sd"
            "low"
            "high"
            "frequency"
            "p_permutation"
        |]

        Expect.equal expected lines[0]
        let scores = resampled.Value.Scores
        Expect.equal scores.PairCount (int64 (lines.Length - 1))

        for line in lines[1..] do
            let place =
                scores.Place((scores.TryGene line[0]).Value, (scores.TryGene line[1]).Value)

            let spread = resampled.Value.Resampling.Spreads[place]

            let values = [
                float spread.Deviation
                float spread.Low
                float spread.High
                resampled.Value.Resampling.Frequencies[place]
                resampled.Value.Resampling.PValues[place]
            ]

            Expect.equal values [
                for text in line[4..] -> Double.Parse(text, Globalization.CultureInfo.InvariantCulture)
            ]

    [<Test>]
    let ``an .h5ad has a matrix of pairs for each`` () =
        let path = Scratch.file "out.h5ad"
        Expect.ok (CoexpressionFile.write Progress.none resampled.Value path)
        let contents = AnnData.contents path |> Expect.ok

        let names =
            contents.GenePairs
            |> List.ofSeq
            |> List.map (fun matrix -> matrix.Name)
            |> List.sort

        Expect.equal
            [
                "mi"
                "mi_cells"
                "mi_frequency"
                "mi_high"
                "mi_low"
                "mi_p_permutation"
                "mi_sd"
            ]
            names

    [<Test>]
    let ``an array has no room for it`` () =
        let options = {
            PairResampling.none with
                Bootstraps = 5
        }

        let resampled = {
            Coexpression.defaults with
                Resampling = options
        }

        let tested = {
            Coexpression.defaults with
                PValues = true
        }

        Expect.says [ "out.npy"; "--bootstraps"; ".npz" ] (CoexpressionFile.checkColumns resampled "out.npy")
        Expect.says [ "out.npy"; "--p-values"; ".npz" ] (CoexpressionFile.checkColumns tested "out.npy")
        Expect.ok (CoexpressionFile.checkColumns Coexpression.defaults "out.npy")
        Expect.ok (CoexpressionFile.checkColumns resampled "out.npz")
