namespace CoExpr.Tests

open FsCheck
open FsCheck.FSharp
open CoExpr.Kernels

/// Genes over the same cells: of each the level in every cell (0 is "not expressed"), the highest level that it may
/// have, and an unrelated value in every cell.
type SmallGenes = {
    Cells: int
    Levels: byte[][]
    Highest: byte[]
    Values: float32[][]
} with

    member genes.Count = genes.Levels.Length

[<RequireQualifiedAccess>]
module SmallGenes =

    /// Entries that are not 0, line by line.
    let private entries isEntry (lines: 'a[][]) =
        let kept = lines |> Array.map (Array.indexed >> Array.filter (snd >> isEntry))
        let starts = kept |> Array.map (fun line -> int64 line.Length) |> Array.scan (+) 0L
        starts, Array.collect (Array.map fst) kept, Array.collect (Array.map snd) kept

    let binned genes =
        let starts, cellOf, levelOf = entries (fun level -> level > 0uy) genes.Levels
        BinnedGenes(genes.Cells, starts, cellOf, levelOf, genes.Highest)

    let values genes =
        let starts, cellOf, values = entries (fun value -> value <> 0.0f) genes.Values
        GeneValues(genes.Cells, starts, cellOf, values)

    /// A gene's levels as the reference takes them.
    let levels gene genes = Array.map int genes.Levels[gene]

    let private sparse cells share item =
        Gen.frequency [
            100 - share, Gen.constant (fun _ -> 0)
            share, Gen.map (fun x -> fun _ -> x) item
        ]
        |> Gen.map (fun draw -> draw ())
        |> Gen.arrayOfLength cells

    let private single cells item =
        gen {
            let! at = Gen.choose (0, max 0 (cells - 1))
            let! x = item
            return Array.init cells (fun cell -> if cell = at then x else 0)
        }

    let private levelsOf cells highest =
        let level = Gen.choose (1, highest)

        Gen.oneof [
            Gen.constant (Array.zeroCreate cells)
            Gen.map (Array.create cells) level
            single cells level
            sparse cells 8 level
            sparse cells 50 level
            sparse cells 100 level
        ]

    /// Values whose products and sums round: tenths, the smallest and the largest singles, counts too large for 24 bits.
    let private awkward =
        Gen.elements [
            0.1f
            0.3f
            -0.7f
            1e-45f
            1.1754942e-38f
            3.4e38f
            -3.4e38f
            16777215.0f
            1.0000001f
            33554432.0f
        ]

    let private valuesOf cells whole =
        let few = Gen.choose (0, 3) |> Gen.map float32

        if whole then
            Gen.oneof [
                Gen.arrayOfLength cells few
                Gen.map (Array.create cells) few
                Gen.arrayOfLength cells (Gen.choose (-3, 3) |> Gen.map float32)
                Gen.arrayOfLength cells (Gen.elements [ 0.0f; 1.0f; 16777216.0f; 1e15f ])
            ]
        else
            Gen.oneof [
                Gen.arrayOfLength cells few
                Gen.map (Array.create cells) awkward
                Gen.arrayOfLength cells (Gen.frequency [ 3, Gen.constant 0.0f; 1, awkward ])
                Gen.arrayOfLength cells (Gen.elements [ 0.1f; 0.3f ])
                Gen.map2
                    (fun line (cell: int) -> line |> Array.mapi (fun i x -> if i = cell then x + 1e-8f else x))
                    (Gen.map (Array.create cells) (Gen.elements [ 0.1f; 0.7f ]))
                    (Gen.choose (0, max 0 (cells - 1)))
            ]

    let arbitrary =
        gen {
            let! cells = Gen.oneof [ Gen.choose (0, 67); Gen.constant 200 ]
            let! count = Gen.choose (0, 9)
            let! highest = Gen.elements [ 1; 2; 3; 10; 255 ] |> Gen.arrayOfLength count
            let! levels = Gen.collectToArray (levelsOf cells) highest
            let! whole = Gen.elements [ true; false ]
            let! values = Gen.arrayOfLength count (valuesOf cells whole)

            return {
                Cells = cells
                Levels = Array.map (Array.map byte) levels
                Highest = Array.map byte highest
                Values = values
            }
        }

type ManySmallGenes =
    static member Any() = Arb.fromGen SmallGenes.arbitrary

/// What the slow reference says of the pairs of some genes.
[<RequireQualifiedAccess>]
module Oracle =
    open CoExpr.Reference

    let private entries = Array.init 1024 (fun n -> lazy (EntropyTable.entry n))

    let entry n =
        if n < entries.Length then
            entries[n].Value
        else
            EntropyTable.entry n

    /// M · MI · 2^30, and M.
    let numerator convention row column genes =
        let a, b = SmallGenes.levels row genes, SmallGenes.levels column genes
        MutualInformation.numerator entry (convention = CellsIn.EitherGene) a b

    let sign row column genes =
        Correlation.sign genes.Values[row] genes.Values[column]

    /// Row and column of every pair.
    let pairs genes = [
        for row in 0 .. genes.Levels.Length - 1 do
            for column in row + 1 .. genes.Levels.Length - 1 -> row, column
    ]

/// All that a backend may say of a pair.
type OraclePair = {
    Numerator: int64
    PairCells: int
    Both: int
    Occupied: int
    Sign: sbyte
    Products: float
}

[<RequireQualifiedAccess>]
module OraclePair =

    let private wantedProducts (task: PairTask) products =
        if task.Wants PairParts.Products then products () else 0.0

    /// What is at one place of a block.
    let ofBlock (task: PairTask) (block: PairBlock) at = {
        Numerator = block.Numerators[at]
        PairCells = block.Cells[at]
        Both = block.Both[at]
        Occupied = block.Occupied[at]
        Sign = block.Signs[at]
        Products = wantedProducts task (fun () -> block.Products[at])
    }

    /// What the slow reference says.
    let ofGenes (task: PairTask) row column genes =
        let numerator, cells = Oracle.numerator task.Cells row column genes
        let counted (a, b) = task.Cells = CellsIn.All || a > 0uy || b > 0uy
        let levels = Array.zip genes.Levels[row] genes.Levels[column]

        {
            Numerator = numerator
            PairCells = cells
            Both = levels |> Array.filter (fun (a, b) -> a > 0uy && b > 0uy) |> Array.length
            Occupied = levels |> Array.filter counted |> Array.distinct |> Array.length
            Sign =
                if task.Wants PairParts.Signs then
                    sbyte (Oracle.sign row column genes)
                else
                    1y
            Products =
                wantedProducts task (fun () ->
                    Array.fold2 (fun sum x y -> sum + float x * float y) 0.0 genes.Values[row] genes.Values[column])
        }
