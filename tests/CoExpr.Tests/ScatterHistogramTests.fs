namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |])>]
module ScatterHistogramTests =

    /// The counters for one gene, in a span that is longer than need be and full of rubbish.
    let private counted (tile: ScatterHistogram) (genes: BinnedGenes) gene from =
        let starts = tile.StartsFrom(from, Array.create genes.Cells -1)
        let counts = Array.create (int genes.Levels[gene] * tile.Width + 3) 77
        tile.Count(gene, starts, Span counts)
        counts

    /// Cells at every level of one gene and of another, by looking at all of them.
    let private cellsAt genes one other =
        let found =
            Array.zip genes.Levels[one] genes.Levels[other] |> Array.countBy id |> dict

        fun a b ->
            match found.TryGetValue((byte a, byte b)) with
            | true, cells -> cells
            | _ -> 0

    let private agrees genes first last from =
        let binned = SmallGenes.binned genes
        let tile = ScatterHistogram(binned, first, last)

        let place (gene: int) =
            binned.LevelStarts[gene] - binned.LevelStarts[first]

        for one in 0 .. genes.Count - 1 do
            let counts = counted tile binned one from

            for other in first .. last - 1 do
                let cells =
                    if other < from then
                        (fun _ _ -> 0)
                    else
                        cellsAt genes one other

                for a in 1 .. int genes.Highest[one] do
                    for b in 1 .. int genes.Highest[other] do
                        let expected = cells a b
                        let actual = counts[(a - 1) * tile.Width + place other + b - 1]

                        if actual <> expected then
                            Assert.Fail
                                $"gene {one} at {a}, gene {other} at {b}: {actual} where {expected} were expected"

            Expect.equal [| 77; 77; 77 |] counts[counts.Length - 3 ..]

    let private upTo10 (genes: SmallGenes) = {
        genes with
            Highest = Array.map (min 10uy) genes.Highest
            Levels = genes.Levels |> Array.map (Array.map (min 10uy))
    }

    // Two genes of two levels in five cells, drawn up by hand.
    [<Test>]
    let ``counts a small example`` () =
        let genes = {
            Cells = 5
            Levels = [| [| 1uy; 1uy; 2uy; 0uy; 2uy |]; [| 1uy; 2uy; 2uy; 1uy; 2uy |] |]
            Highest = [| 2uy; 2uy |]
            Values = [||]
        }

        let binned = SmallGenes.binned genes
        let tile = ScatterHistogram(binned, 1, 2)
        Expect.equal 2 tile.Width
        Expect.equal [| 1; 1; 0; 2; 77; 77; 77 |] (counted tile binned 0 0)

    [<Property(MaxTest = 40)>]
    let ``every counter is the number of cells at both levels`` (genes: SmallGenes) =
        let few = upTo10 genes
        agrees few 0 few.Count 0

    [<Property(MaxTest = 40)>]
    let ``a tile of some genes counts those`` (genes: SmallGenes) (a: byte) (b: byte) =
        let few = upTo10 genes
        let first = int a % (few.Count + 1)
        agrees few first (first + int b % (few.Count - first + 1)) 0

    [<Property(MaxTest = 40)>]
    let ``genes before the one asked for are left out`` (genes: SmallGenes) (a: byte) (from: byte) =
        let few = upTo10 genes
        agrees few (int a % (few.Count + 1)) few.Count (int from % (few.Count + 1))

    [<Property(MaxTest = 5)>]
    let ``255 levels have 255 lines`` (seed: int) =
        let random = Random seed

        let levels () =
            Array.init 300 (fun cell ->
                if cell < 255 then
                    byte (cell + 1)
                else
                    byte (random.Next 256))

        agrees
            {
                Cells = 300
                Levels = [| levels (); levels () |]
                Highest = [| 255uy; 255uy |]
                Values = [||]
            }
            0
            2
            1
