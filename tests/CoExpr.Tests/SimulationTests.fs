namespace CoExpr.Tests

open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr

/// Small simulations with any mixture of groups, modules, perturbations and replicates.
type SmallSimulations =
    static member Any() =
        gen {
            let! cells = Gen.choose (40, 200)
            let! genes = Gen.choose (40, 120)
            let! density = Gen.elements [ 0.01; 0.1; 0.6 ]
            let! alpha = Gen.elements [ 0.0; 0.3; 5.0 ]
            let! groups = Gen.choose (1, 4)
            let! modules = Gen.choose (0, 3)
            let! perturbations = Gen.choose (0, 9)
            let! replicates = Gen.choose (1, 3)
            let! seed = Gen.choose (0, 1_000_000)
            let defaults = SimulationOptions.defaults

            return {
                defaults with
                    Cells = cells
                    Genes = genes
                    Abundance = SimulatedAbundance.Density density
                    Dispersion = {
                        defaults.Dispersion with
                            Asymptote = alpha
                    }
                    Groups = {
                        defaults.Groups with
                            Count = groups
                            MarkersPerGroup = 4
                    }
                    Modules = {
                        defaults.Modules with
                            Count = modules
                            GenesPerModule = 5
                    }
                    Perturbations = {
                        defaults.Perturbations with
                            Count = perturbations
                    }
                    Replicates = { Count = replicates; Log2Sd = 0.2 }
                    Seed = uint64 seed
                    Threads = 1
            }
        }
        |> Arb.fromGen

module SimulationTests =

    let private simulate options =
        Simulation.run options |> CoExprError.unwrap

    let private defaults = SimulationOptions.defaults

    /// Everything at once: groups, modules, a screen with guides that do not always work, biased replicates.
    let private rich = {
        defaults with
            Cells = 3000
            Genes = 400
            Abundance = SimulatedAbundance.Density 0.4
            Groups = {
                defaults.Groups with
                    Count = 3
                    MarkersPerGroup = 20
            }
            Modules = {
                defaults.Modules with
                    Count = 3
                    GenesPerModule = 20
            }
            Perturbations = {
                defaults.Perturbations with
                    Count = 8
                    ControlFraction = 0.3
                    Efficiency = 0.8
                    ActivationFraction = 0.25
            }
            Replicates = { Count = 2; Log2Sd = 0.2 }
            Seed = 5UL
    }

    let private richCells = lazy simulate rich

    let private floats name table =
        match Table.tryColumn name table with
        | Some(Column.Float values) -> values
        | other -> invalidArg name $"{other}"

    let private texts name table =
        let column = (Table.tryColumn name table).Value
        Array.init (Table.rows table) (fun row -> Column.text row column)

    let private bits (simulated: SimulatedCells) =
        let byGene = simulated.Cells.Counts.ByGene
        byGene.Starts, byGene.Indices, byGene.Values

    let private dense (simulated: SimulatedCells) gene =
        let byGene = simulated.Cells.Counts.ByGene
        let values = Array.zeroCreate<float> simulated.Cells.Counts.Cells

        let indices, counts =
            byGene.IndicesOf(gene).ToArray(), byGene.ValuesOf(gene).ToArray()

        Array.iter2 (fun cell count -> values[cell] <- float count) indices counts
        values

    let private density (simulated: SimulatedCells) =
        let counts = simulated.Cells.Counts
        float counts.Entries / float counts.Cells / float counts.Genes

    /// The mean of every gene in every cell, from the tables of the truth as their documentation reads.
    let private trueMeans (simulated: SimulatedCells) =
        let cellTable, geneTable = simulated.Cells.CellTable, simulated.Cells.GeneTable
        let factors = simulated.Cells.Embeddings.Head.Read() |> CoExprError.unwrap
        let size, mean = floats "size_factor" cellTable, floats "mean" geneTable
        let group, perturbation = texts "group" cellTable, texts "perturbation" cellTable
        let works = texts "perturbed" cellTable |> Array.map ((=) "True")

        let markers =
            simulated.GroupMarkers
            |> Array.map (fun m -> (m.Group, m.Gene), m.Log2FoldChange)
            |> dict

        let effects =
            simulated.PerturbationEffects
            |> Array.map (fun e -> (e.Perturbation, e.Gene), e.Log2FoldChange)
            |> dict

        let members = simulated.ModuleMembers |> Array.map (fun m -> m.Gene, m) |> dict

        let lookUp (table: System.Collections.Generic.IDictionary<_, float>) key =
            match table.TryGetValue key with
            | true, log2 -> log2
            | _ -> 0.0

        let pull gene cell =
            match members.TryGetValue gene with
            | true, m ->
                let z = factors.Values[cell * factors.Columns + int (m.Module.Substring 6) - 1]
                exp (float m.Sign * m.Strength * z - m.Strength * m.Strength / 2.0)
            | _ -> 1.0

        fun gene cell ->
            let name = geneTable.Names[gene]

            let log2 =
                lookUp markers (group[cell], name)
                + (if works[cell] then
                       lookUp effects (perturbation[cell], name)
                   else
                       0.0)

            mean[gene] * size[cell] * pull name cell * 2.0 ** log2

    /// Mean of the squares of scores that are normal if the counts have the distribution that they should have; 1 is
    /// expected, with this standard error.
    let private meanSquare (scores: float[]) =
        Array.averageBy (fun z -> z * z) scores, sqrt (2.0 / float scores.Length)

    let private shouldBeNormal scores =
        let square, error = meanSquare scores
        Assert.That(square, Is.EqualTo(1.0).Within(4.0 * error))
        Assert.That(Array.average scores, Is.EqualTo(0.0).Within(4.0 / sqrt (float scores.Length)))

    let private alone = {
        rich with
            Replicates = { Count = 1; Log2Sd = 0.0 }
    }

    // Replicates' bias is the one part of the mean that no table tells, so it is left out here.
    let private aloneCells = lazy simulate alone

    /// Σ (y − mu) / √Σ (mu + alpha mu^2) and Σ ([y > 0] − p) / √Σ p (1 − p), of each gene.
    let private scoresOfGenes () =
        let simulated = aloneCells.Value

        let means, alphas =
            trueMeans simulated, floats "dispersion" simulated.Cells.GeneTable

        Array.init alone.Genes (fun gene ->
            let mu, y = Array.init alone.Cells (means gene), dense simulated gene
            let alpha = alphas[gene]
            let p = mu |> Array.map (fun m -> 1.0 - (1.0 + alpha * m) ** (-1.0 / alpha))
            let positive = y |> Array.sumBy (fun count -> if count > 0.0 then 1.0 else 0.0)

            (Array.sum y - Array.sum mu)
            / sqrt (mu |> Array.sumBy (fun m -> m + alpha * m * m)),
            (positive - Array.sum p) / sqrt (p |> Array.sumBy (fun q -> q * (1.0 - q))))

    [<Test>]
    let ``counts have the means that the tables of the truth tell`` () =
        scoresOfGenes () |> Array.map fst |> shouldBeNormal

    [<Test>]
    let ``counts are above 0 as often as their negative binomials are`` () =
        scoresOfGenes () |> Array.map snd |> shouldBeNormal

    [<Test>]
    let ``counts have the variance mean + alpha mean^2`` () =
        let simulated = aloneCells.Value

        let means, alphas =
            trueMeans simulated, floats "dispersion" simulated.Cells.GeneTable

        let ratios =
            Array.init alone.Genes (fun gene ->
                let mu, y = Array.init alone.Cells (means gene), dense simulated gene
                let square = Array.fold2 (fun sum m count -> sum + (count - m) ** 2.0) 0.0 mu y
                square / (mu |> Array.sumBy (fun m -> m + alphas[gene] * m * m)))

        let middle = Array.sort ratios
        Assert.That(Array.average ratios, Is.EqualTo(1.0).Within 0.02)
        Assert.That(middle[alone.Genes / 2], Is.EqualTo(1.0).Within 0.03)

    [<Test>]
    let ``threads change no bit`` ([<Values(2, 3, 7)>] threads: int) =
        let one = simulate { rich with Threads = 1 }
        let many = simulate { rich with Threads = threads }
        Assert.That((bits many = bits one), Is.True)
        Assert.That((many.Cells.CellTable = one.Cells.CellTable), Is.True)
        Assert.That((many.Cells.GeneTable = one.Cells.GeneTable), Is.True)

    [<Test>]
    let ``the density is met`` ([<Values(0.005, 0.05, 0.3, 0.8)>] target: float) =
        let options = {
            defaults with
                Abundance = SimulatedAbundance.Density target
        }

        Assert.That(density (simulate options), Is.EqualTo(target).Within(3.0).Percent)

    [<Test>]
    let ``the density is met with groups, modules and a screen`` () =
        Assert.That(density richCells.Value, Is.EqualTo(0.4).Within(3.0).Percent)

    [<Test>]
    let ``gene means are log-normal about the median that was asked for`` () =
        let options = {
            defaults with
                Abundance = SimulatedAbundance.MedianMean 0.2
        }

        let logs = floats "mean" (simulate options).Cells.GeneTable |> Array.map log
        let centre = Array.average logs
        let sd = sqrt (logs |> Array.averageBy (fun x -> (x - centre) ** 2.0))
        Assert.That(centre, Is.EqualTo(log 0.2).Within(4.0 * 1.5 / sqrt 2000.0))
        Assert.That(sd, Is.EqualTo(1.5).Within(4.0 * 1.5 / sqrt 4000.0))

    [<Test>]
    let ``size factors have mean 1 and the spread that was asked for`` () =
        let factors =
            floats
                "size_factor"
                (simulate {
                    defaults with
                        Genes = 2
                        Cells = 20_000
                })
                    .Cells.CellTable

        let logs = factors |> Array.map log
        let centre = Array.average logs
        Assert.That(Array.average factors, Is.EqualTo(1.0).Within 0.012)
        Assert.That(logs |> Array.averageBy (fun x -> (x - centre) ** 2.0) |> sqrt, Is.EqualTo(0.4).Within 0.008)

    let private correlation (x: float[]) y =
        MathNet.Numerics.Statistics.Correlation.Pearson(x, y)

    [<Test>]
    let ``genes of a module are correlated with their signs, others are not`` () =
        let simulated =
            simulate {
                defaults with
                    Cells = 2000
                    Genes = 60
                    Abundance = SimulatedAbundance.MedianMean 5.0
                    GeneMeanSd = 0.0
                    LibrarySizeSd = 0.0
                    Modules = {
                        defaults.Modules with
                            Count = 2
                            GenesPerModule = 12
                    }
            }

        let index =
            Array.indexed simulated.Cells.GeneTable.Names
            |> Array.map (fun (i, n) -> n, i)
            |> dict

        let members = simulated.ModuleMembers |> Array.map (fun m -> m.Gene, m) |> dict
        let values = Array.init 60 (dense simulated)

        for KeyValue(a, i) in index do
            for KeyValue(b, j) in index do
                if i < j then
                    let r = correlation values[i] values[j]

                    match members.TryGetValue a, members.TryGetValue b with
                    | (true, x), (true, y) when x.Module = y.Module ->
                        Assert.That(r * float (x.Sign * y.Sign), Is.GreaterThan 0.15, $"{a} {b}")
                    | _ -> Assert.That(abs r, Is.LessThan(5.0 / sqrt 2000.0), $"{a} {b}")

    [<Test>]
    let ``modules have as many members, and negative ones, as were asked for`` () =
        let sizes =
            richCells.Value.ModuleMembers
            |> Array.countBy (fun m -> m.Module, m.Sign)
            |> Array.sort

        Assert.That(
            (sizes = [|
                for m in 1..3 do
                    (($"module{m}", -1), 5)
                    (($"module{m}", 1), 15)
            |]),
            Is.True
        )

    [<Test>]
    let ``no gene is a marker twice, or both marker and member`` () =
        let truth = richCells.Value

        let genes =
            Array.append
                (truth.GroupMarkers |> Array.map (fun m -> m.Gene))
                (truth.ModuleMembers |> Array.map (fun m -> m.Gene))

        Assert.That(genes.Length, Is.EqualTo(3 * 20 + 3 * 20))
        Assert.That(Array.distinct genes, Has.Length.EqualTo genes.Length)

    /// log2 of the mean of y/size in some cells over that in others, with its standard error from the cells themselves.
    let private log2Ratio (y: float[]) (chosen: bool[]) (others: bool[]) =
        let moments (keep: bool[]) =
            let values = Array.zip y keep |> Array.filter snd |> Array.map fst
            let mean = Array.average values
            let variance = values |> Array.averageBy (fun x -> (x - mean) ** 2.0)
            mean, variance / mean / mean / float values.Length

        let (a, va), (b, vb) = moments chosen, moments others
        System.Math.Log2(a / b), sqrt (va + vb) / log 2.0

    let private normalized simulated gene =
        Array.map2 (/) (dense simulated gene) (floats "size_factor" simulated.Cells.CellTable)

    let private geneIndex (simulated: SimulatedCells) name =
        System.Array.IndexOf(simulated.Cells.GeneTable.Names, name)

    [<Test>]
    let ``markers' fold changes are found again`` () =
        let simulated = aloneCells.Value
        let group = texts "group" simulated.Cells.CellTable

        simulated.GroupMarkers
        |> Array.map (fun marker ->
            let inside = group |> Array.map ((=) marker.Group)
            let y = normalized simulated (geneIndex simulated marker.Gene)
            let found, error = log2Ratio y inside (Array.map not inside)
            (found - marker.Log2FoldChange) / error)
        |> shouldBeNormal

    let private screen =
        lazy
            simulate {
                defaults with
                    Cells = 6000
                    Genes = 300
                    Abundance = SimulatedAbundance.MedianMean 3.0
                    GeneMeanSd = 0.5
                    Perturbations = {
                        defaults.Perturbations with
                            Count = 10
                            Efficiency = 0.7
                            AffectedFraction = 0.1
                    }
                    Seed = 3UL
            }

    let private contrast perturbation gene =
        let simulated = screen.Value
        let labels = texts "perturbation" simulated.Cells.CellTable
        let y = normalized simulated (geneIndex simulated gene)
        log2Ratio y (labels |> Array.map ((=) perturbation)) (labels |> Array.map ((=) Simulation.Control))

    [<Test>]
    let ``perturbations' effects are found again, guides that do not work included`` () =
        screen.Value.PerturbationEffects
        |> Array.map (fun effect ->
            let found, error = contrast effect.Perturbation effect.Gene
            (found - effect.ExpectedLog2FoldChange) / error)
        |> shouldBeNormal

    [<Test>]
    let ``genes without a record are not changed`` () =
        let simulated = screen.Value

        let changed =
            simulated.PerturbationEffects
            |> Array.map (fun e -> e.Perturbation, e.Gene)
            |> set

        let perturbation = simulated.PerturbationEffects[0].Perturbation

        simulated.Cells.GeneTable.Names
        |> Array.filter (fun gene -> not (changed.Contains(perturbation, gene)))
        |> Array.map (fun gene -> contrast perturbation gene ||> (/))
        |> shouldBeNormal

    [<Test>]
    let ``each perturbation lowers its own target, or raises it`` () =
        let own =
            richCells.Value.PerturbationEffects
            |> Array.filter (fun effect -> effect.IsTarget)

        Assert.That(
            own |> Array.map (fun effect -> effect.Perturbation),
            Is.EqualTo<string[]>(own |> Array.map (fun e -> e.Gene))
        )

        let log2 = own |> Array.map (fun effect -> effect.Log2FoldChange)
        Assert.That(log2, Is.EqualTo<float[]> [| 2.5; 2.5; -2.5; -2.5; -2.5; -2.5; -2.5; -2.5 |])

    // log2(1 − 0.8 + 0.8 · 2^−2.5) = log2(0.2 + 0.141421…).
    [<Test>]
    let ``the expected fold change counts cells in which the guide does not work`` () =
        let lowered =
            richCells.Value.PerturbationEffects
            |> Array.filter (fun e -> e.IsTarget)
            |> Array.last

        Assert.That(lowered.ExpectedLog2FoldChange, Is.EqualTo(-1.5503741).Within 1e-6)

    [<Test>]
    let ``controls are as many as were asked for, and the others are shared out evenly`` () =
        let counts =
            texts "perturbation" richCells.Value.Cells.CellTable |> Array.countBy id |> dict

        Assert.That(counts[Simulation.Control], Is.EqualTo 900)
        Assert.That(counts.Values |> Seq.filter ((<>) 900), Is.All.InRange(262, 263))
        Assert.That(counts.Count, Is.EqualTo 9)

    [<Test>]
    let ``a replicate's bias has the spread that was asked for`` () =
        let simulated =
            simulate {
                defaults with
                    Cells = 2000
                    Genes = 500
                    Abundance = SimulatedAbundance.MedianMean 20.0
                    GeneMeanSd = 0.0
                    LibrarySizeSd = 0.0
                    Replicates = { Count = 2; Log2Sd = 0.5 }
            }

        let second =
            texts "replicate" simulated.Cells.CellTable |> Array.map ((=) "replicate2")

        let ratios =
            Array.init 500 (fun gene -> log2Ratio (dense simulated gene) second (Array.map not second) |> fst)

        // The difference of two biases of standard deviation 1/2.
        Assert.That(ratios |> Array.averageBy (fun x -> x * x) |> sqrt, Is.EqualTo(0.5 * sqrt 2.0).Within 0.09)

    [<Test>]
    let ``another seed gives other cells`` () =
        Assert.That((bits (simulate { rich with Seed = 6UL }) = bits richCells.Value), Is.False)

    [<Property(Arbitrary = [| typeof<SmallSimulations> |], MaxTest = 60)>]
    let ``counts are whole numbers above 0, whatever is simulated`` options =
        let simulated = simulate options
        let counts = simulated.Cells.Counts

        counts.Cells = options.Cells
        && counts.Genes = options.Genes
        && counts.ByGene.Values
           |> Array.forall (fun count -> count >= 1.0f && count = round count)
        && simulated.PerturbationEffects
           |> Array.filter (fun e -> e.IsTarget)
           |> Array.length
            =
            options.Perturbations.Count

    [<Property(Arbitrary = [| typeof<SmallSimulations> |], MaxTest = 30)>]
    let ``small simulations are the same on three threads`` options =
        bits (simulate { options with Threads = 3 }) = bits (simulate options)

    // What simulated cells are is part of what a seed promises: benchmark files are made from them.
    [<Test>]
    let ``a seed gives the cells that it always gave`` () =
        let simulated =
            simulate {
                defaults with
                    Cells = 200
                    Genes = 100
                    Groups = {
                        defaults.Groups with
                            Count = 2
                            MarkersPerGroup = 10
                    }
                    Modules = {
                        defaults.Modules with
                            Count = 2
                            GenesPerModule = 10
                    }
                    Perturbations = {
                        defaults.Perturbations with
                            Count = 4
                    }
                    Replicates = { Count = 2; Log2Sd = 0.1 }
            }

        let byGene = simulated.Cells.Counts.ByGene
        Assert.That(Array.sum byGene.Values, Is.EqualTo 3155.0f)
        Assert.That(byGene.Indices.Length, Is.EqualTo 1974)
        Assert.That(Array.sum byGene.Indices, Is.EqualTo 196002)
        Assert.That((texts "perturbation" simulated.Cells.CellTable)[0], Is.EqualTo "gene015")

    [<Test>]
    let ``dispersion 0 gives Poisson counts`` () =
        let simulated =
            simulate {
                defaults with
                    Cells = 4000
                    Genes = 100
                    Abundance = SimulatedAbundance.MedianMean 2.0
                    GeneMeanSd = 0.5
                    LibrarySizeSd = 0.0
                    Dispersion = {
                        Asymptote = 0.0
                        Scale = 0.0
                        Scatter = 0.3
                    }
            }

        let ratio gene =
            let y = dense simulated gene
            let mean = Array.average y
            (y |> Array.averageBy (fun x -> (x - mean) ** 2.0)) / mean

        Assert.That(Array.init 100 ratio |> Array.average, Is.EqualTo(1.0).Within 0.01)

    let private absurd: (string * SimulationOptions * string) list = [
        "no cells", { defaults with Cells = 0 }, "cells 0: must be 1 to 100000000."
        "no genes", { defaults with Genes = 0 }, "genes 0: must be 1 to 1000000."
        "density 0",
        {
            defaults with
                Abundance = SimulatedAbundance.Density 0.0
        },
        "density 0: must lie between 0 and 1, both excluded."
        "density 1",
        {
            defaults with
                Abundance = SimulatedAbundance.Density 1.0
        },
        "density 1: must lie between 0 and 1, both excluded."
        "density NaN",
        {
            defaults with
                Abundance = SimulatedAbundance.Density nan
        },
        "density NaN: must lie between 0 and 1, both excluded."
        "density out of reach",
        {
            defaults with
                Abundance = SimulatedAbundance.Density 0.9
                Dispersion = {
                    defaults.Dispersion with
                        Asymptote = 100.0
                }
        },
        "density 0.9: cannot be reached with this dispersion; at most "
        "mean 0",
        {
            defaults with
                Abundance = SimulatedAbundance.MedianMean 0.0
        },
        "median mean 0: must be 1E-09 to 10000."
        "negative dispersion",
        {
            defaults with
                Dispersion = {
                    defaults.Dispersion with
                        Asymptote = -0.1
                }
        },
        "dispersion asymptote -0.1: must be 0 to 100."
        "more modules than genes",
        {
            defaults with
                Modules = { defaults.Modules with Count = 2001 }
        },
        "modules 2001: must be 0 to 2000."
        "more members than genes",
        {
            defaults with
                Modules = { defaults.Modules with Count = 101 }
        },
        "genes 2000: must be 2020 or more, 2020 for modules and 0 for markers."
        "a module of one",
        {
            defaults with
                Modules = {
                    defaults.Modules with
                        GenesPerModule = 1
                }
        },
        "genes per module 1: must be 2 to 1000000."
        "more groups than cells",
        {
            defaults with
                Groups = { defaults.Groups with Count = 1001 }
        },
        "groups 1001: must be 1 to 1000."
        "more perturbations than cells",
        {
            defaults with
                Perturbations = {
                    defaults.Perturbations with
                        Count = 801
                }
        },
        "perturbations 801: must be 0 to 800: each has a target and a cell or more."
        "negative perturbations",
        {
            defaults with
                Perturbations = {
                    defaults.Perturbations with
                        Count = -1
                }
        },
        "perturbations -1: must be 0 to 800: each has a target and a cell or more."
        "efficiency above 1",
        {
            defaults with
                Perturbations = {
                    defaults.Perturbations with
                        Efficiency = 1.5
                }
        },
        "guide efficiency 1.5: must be 0 to 1."
        "no threads", { defaults with Threads = 0 }, "threads 0: must be 1 to 4096."
    ]

    let private absurdCases =
        absurd
        |> List.map (fun (name, options, message) -> TestCaseData(options, message).SetName $"absurd options: {name}")

    [<TestCaseSource(nameof absurdCases)>]
    let ``absurd options are refused with their value and range`` (options: SimulationOptions) (message: string) =
        match Simulation.run options with
        | Error error -> Assert.That(CoExprError.describe error, Does.StartWith message)
        | Ok _ -> Assert.Fail "no error"
