namespace CoExpr

open System
open CoExpr.Kernels

/// E-distance of groups of cells from control cells (Székely & Rizzo 2013; Peidli et al. 2024):
///
///     E = 2 mean |x − c| − mean |x − x'| − mean |c − c'|,
///
/// x the cells of a group, c those of the control, |.| the Euclidean distance, means over all pairs with those of a cell
/// with itself (the V-statistic, as cell-eval has it; times n / (n − 1) the within terms are those of the U-statistic).
[<RequireQualifiedAccess>]
module EnergyDistance =

    /// Cells that stand side by side, one gene's values together, while others are multiplied with them.
    [<Literal>]
    let private Wide = 64

    /// Room of one thread.
    type private Room(values: CellValues) =
        member val Genes = Array.zeroCreate<int> values.Most
        member val Read = Array.zeroCreate<float> values.Most
        /// Genes x Wide.
        member val Panel = Array.zeroCreate<float>(values.Genes * Wide)
        member val Products = Array.zeroCreate<float> Wide

    let private norm (values: CellValues) (room: Room) cell =
        let entries = values.Read cell room.Genes room.Read
        let mutable sum = 0.0

        for at in 0 .. entries - 1 do
            sum <- sum + room.Read[at] * room.Read[at]

        sum

    let private fill (values: CellValues) (room: Room) (cells: int[]) first next =
        Array.Clear room.Panel

        for at in first .. next - 1 do
            let entries = values.Read cells[at] room.Genes room.Read

            for entry in 0 .. entries - 1 do
                room.Panel[room.Genes[entry] * Wide + at - first] <- room.Read[entry]

    /// Σ over genes of one cell's value times those of the panel's cells.
    let private multiply (values: CellValues) (room: Room) cell =
        let entries = values.Read cell room.Genes room.Read
        let products = room.Products.AsSpan()
        products.Clear()

        for entry in 0 .. entries - 1 do
            let line = ReadOnlySpan(room.Panel, room.Genes[entry] * Wide, Wide)
            ScaledSum.Add(line, room.Read[entry], products)

    /// Σ |a − b| over the cells a and the panel's cells b. Rounding can take a squared distance below 0; it is 0 then, and so
    /// is that of a cell from itself.
    let private panelSum values (room: Room) (norms: float[]) (ours: int[]) (theirs: int[]) first next =
        fill values room theirs first next
        let mutable sum = 0.0

        for a in ours do
            multiply values room a

            for at in first .. next - 1 do
                let b = theirs[at]

                if a <> b then
                    let square = norms[a] + norms[b] - 2.0 * room.Products[at - first]
                    sum <- sum + (if square < 0.0 then 0.0 else sqrt square)

        sum

    let private norms threads (values: CellValues) =
        let norms = Array.zeroCreate<float> values.Cells

        Schedule.blocks
            threads
            ((values.Cells + 1023) / 1024)
            (fun () -> Room { values with Genes = 0 })
            (fun room block ->
                for cell in block * 1024 .. min values.Cells ((block + 1) * 1024) - 1 do
                    norms[cell] <- norm values room cell)

        norms

    /// Sums of distances of pairs of groups, each pair's in the order of the panels of its second group.
    let private pairSums threads values norms (members: int[][]) (pairs: struct (int * int)[]) =
        let parts = [|
            for pair in 0 .. pairs.Length - 1 do
                let struct (_, second) = pairs[pair]

                for first in 0..Wide .. members[second].Length - 1 -> struct (pair, first)
        |]

        let sums = Array.zeroCreate<float> parts.Length

        Schedule.blocks threads parts.Length (fun () -> Room values) (fun room part ->
            let struct (pair, first) = parts[part]
            let struct (ours, theirs) = pairs[pair]
            let next = min members[theirs].Length (first + Wide)
            sums[part] <- panelSum values room norms members[ours] members[theirs] first next)

        let totals = Array.zeroCreate<float> pairs.Length

        parts
        |> Array.iteri (fun part (struct (pair, _)) -> totals[pair] <- totals[pair] + sums[part])

        totals

    /// E of every group but the control, in the order of the labels. The groups must name a control. NaN where a cell of the
    /// group or of the control holds NaN. Same bits for any number of threads.
    let compute threads (groups: Groups) (values: CellValues) : float[] =
        let control =
            match groups.Control with
            | Some control -> control
            | None -> invalidArg (nameof groups) "no control is named"

        let count = groups.Labels.Length
        let members = Array.init count (fun group -> Groups.members group groups)

        let pairs = [|
            for group in 0 .. count - 1 do
                struct (group, group)

                if group <> control then
                    struct (group, control)
        |]

        let means = Collections.Generic.Dictionary<struct (int * int), float>()

        pairSums threads values (norms threads values) members pairs
        |> Array.iteri (fun at sum ->
            let struct (ours, theirs) = pairs[at]

            means[pairs[at]] <- sum / (float members[ours].Length * float members[theirs].Length))

        [|
            for group in 0 .. count - 1 do
                if group <> control then
                    2.0 * means[struct (group, control)]
                    - means[struct (group, group)]
                    - means[struct (control, control)]
        |]
