"""The warnings that the cluster knows: what raises each, how urgent it is, its words, its sound.

Rules of this module: data only. A warning is raised by a signal having one of a few raw values, by a lost message, or
by a rule of the logic (`hil.ecu.warnings`). Two lines at most, in four languages.

A pop-up may be amber beside a red lamp of the same symbol (door, seat belt, parking brake, airbag, battery, eCall): the
lamp's colour says what it stands for (UN R121, one colour a function), the pop-up's what the driver must do. Red means
stop at once, so that it stays rare.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

Lines = tuple[str, ...]


class Priority(IntEnum):
    """How urgent; raw numbers of CLU_Warnings.WarningPriority."""

    INFORMATION = 1
    CAUTION = 2
    WARNING = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """Its word."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class WarningKind:
    """One warning.

    Attributes:
        number: raw value of CLU_Warnings.WarningShown.
        name: its name.
        priority: how urgent.
        symbol: telltale whose symbol stands beside the text.
        texts: language -> lines.
        causes: (message, signal, raw values): any raises it; empty where a rule of the logic does.
        lost: messages whose loss raises it.
        rule: name of that rule.
        feature: needed for it to apply at all.
    """

    number: int
    name: str
    priority: Priority
    symbol: str
    texts: dict[str, Lines]
    causes: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    lost: tuple[str, ...] = ()
    rule: str = ""
    feature: str = ""
    once: bool = field(default=False)


def _texts(en: str, de: str, fr: str, es: str) -> dict[str, Lines]:
    """Lines are parted by a bar."""
    return {
        language: tuple(text.split("|"))
        for language, text in zip(("en", "de", "fr", "es"), (en, de, fr, es), strict=True)
    }


_CRITICAL, _WARNING, _CAUTION, _INFORMATION = (
    Priority.CRITICAL,
    Priority.WARNING,
    Priority.CAUTION,
    Priority.INFORMATION,
)


def _on(message: str, signal: str, *raw: int) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    return ((message, signal, raw or (1,)),)


WARNINGS: Final = (
    WarningKind(1, "brake_failure", _CRITICAL, "brake", _texts(
        "Brake fault|Stop safely", "Bremse defekt|Sicher anhalten", "Frein défectueux|Arrêtez-vous",
        "Fallo de frenos|Deténgase"), _on("ESC_Speed", "BrakeWarning")),
    WarningKind(2, "oil_pressure", _CRITICAL, "oil", _texts(
        "Oil pressure low|Stop the engine", "Öldruck zu niedrig|Motor abstellen", "Pression d'huile|Arrêtez le moteur",
        "Presión de aceite|Pare el motor"), _on("ECM_Engine", "OilPressureLow")),
    WarningKind(3, "engine_overheat", _CRITICAL, "coolant", _texts(
        "Engine too hot|Stop the engine", "Motor zu heiß|Motor abstellen", "Moteur trop chaud|Arrêtez le moteur",
        "Motor muy caliente|Pare el motor"), _on("ECM_Engine", "EngineOverheat")),
    WarningKind(4, "steering_failure", _CRITICAL, "steering", _texts(
        "Steering fault|Stop safely", "Lenkung defekt|Sicher anhalten", "Direction en panne|Arrêtez-vous",
        "Fallo de dirección|Deténgase"), _on("EPS_Assist", "SteeringFault"), ("EPS_Assist",)),
    WarningKind(5, "hv_battery", _CRITICAL, "hv_battery", _texts(
        "Battery system fault|Stop safely", "Hochvoltfehler|Sicher anhalten", "Batterie de traction|Arrêtez-vous",
        "Batería de tracción|Deténgase"), _on("BMS_State", "HvBatteryFault"), feature="hybrid"),
    WarningKind(6, "take_over", _CRITICAL, "", _texts(
        "Take over now|Hold the wheel", "Jetzt übernehmen|Lenkrad halten", "Reprenez le volant|Maintenant",
        "Tome el volante|Ahora"), _on("ADAS_TakeOver", "TakeOverRequest", 2, 3, 4)),
    WarningKind(7, "collision", _CRITICAL, "", _texts(
        "Brake!", "Bremsen!", "Freinez !", "¡Frene!"), _on("ADAS_Longitudinal", "CollisionWarning", 2, 3)),
    WarningKind(8, "airbag_fault", _WARNING, "airbag", _texts(
        "Airbag fault|Visit workshop", "Airbag defekt|Werkstatt aufsuchen", "Airbag défectueux|Allez à l'atelier",
        "Fallo del airbag|Vaya al taller"), _on("SRS_Occupants", "AirbagFault"), ("SRS_Occupants",)),
    WarningKind(9, "abs_fault", _WARNING, "abs", _texts(
        "ABS fault|Drive carefully", "ABS defekt|Vorsichtig fahren", "ABS défectueux|Roulez prudemment",
        "Fallo del ABS|Conduzca con cuidado"), _on("ESC_Speed", "AbsFault")),
    WarningKind(10, "esc_fault", _WARNING, "esc", _texts(
        "Stability control fault|Drive carefully", "ESC defekt|Vorsichtig fahren", "ESC défectueux|Roulez prudemment",
        "Fallo del ESC|Conduzca con cuidado"), _on("ESC_Speed", "EscFault")),
    WarningKind(11, "brakes_unknown", _WARNING, "brake", _texts(
        "No brake signal|Visit workshop", "Bremsen ohne Signal|Werkstatt aufsuchen",
        "Freins sans signal|Allez à l'atelier",
        "Frenos sin señal|Vaya al taller"), lost=("ESC_Speed",)),
    WarningKind(12, "charging_fault", _WARNING, "battery", _texts(
        "Battery not charging|Visit workshop", "Batterie lädt nicht|Werkstatt aufsuchen",
        "Pas de charge|Allez à l'atelier",
        "Batería sin carga|Vaya al taller"), _on("OBC_DcDc", "ChargeLamp")),
    WarningKind(13, "transmission_hot", _WARNING, "transmission", _texts(
        "Transmission too hot|Stop and wait", "Getriebe zu heiß|Anhalten und warten", "Boîte trop chaude|Arrêtez-vous",
        "Cambio muy caliente|Deténgase"), _on("TCM_Gear", "TransmissionOverheat")),
    WarningKind(14, "door_open_driving", _WARNING, "door", _texts(
        "Door open", "Tür offen", "Porte ouverte", "Puerta abierta"), rule="door_open_driving"),
    WarningKind(15, "seat_belt", _WARNING, "seat_belt", _texts(
        "Fasten seat belt", "Bitte anschnallen", "Bouclez la ceinture", "Abroche el cinturón"),
        rule="unbelted_driving"),
    WarningKind(16, "ecall_fault", _WARNING, "ecall", _texts(
        "Emergency call fault|Visit workshop", "Notruf defekt|Werkstatt aufsuchen",
        "Appel d'urgence HS|Allez à l'atelier",
        "Fallo de llamada SOS|Vaya al taller"), _on("TCU_ECall", "ECallFault")),
    WarningKind(17, "park_brake_driving", _WARNING, "park_brake", _texts(
        "Release parking brake", "Parkbremse lösen", "Desserrez le frein", "Suelte el freno"),
        rule="park_brake_driving"),
    WarningKind(18, "tyre_pressure", _CAUTION, "tyre", _texts(
        "Tyre pressure low|Check tyres", "Reifendruck niedrig|Reifen prüfen", "Pression trop basse|Contrôlez les pneus",
        "Presión baja|Revise neumáticos"), _on("TPMS_Pressures", "TyreLamp")),
    WarningKind(19, "tyre_system", _CAUTION, "tyre", _texts(
        "Tyre monitor fault|Visit workshop", "Reifenkontrolle defekt|Werkstatt aufsuchen",
        "Contrôle pneus HS|Allez à l'atelier", "Fallo de control|Vaya al taller"),
        _on("TPMS_Pressures", "TyreLamp", 2), ("TPMS_Pressures",)),
    WarningKind(20, "fuel_low", _CAUTION, "fuel", _texts(
        "Fuel low|Please refuel", "Tank fast leer|Bitte tanken", "Carburant bas|Faites le plein",
        "Combustible bajo|Reposte"), _on("ECM_Fuel", "FuelLow")),
    WarningKind(21, "ice", _CAUTION, "ice", _texts(
        "Risk of ice|Drive carefully", "Glatteisgefahr|Vorsichtig fahren", "Risque de verglas|Roulez prudemment",
        "Riesgo de hielo|Conduzca con cuidado"), rule="icy", once=True),
    WarningKind(22, "brake_pads", _CAUTION, "brake_pad", _texts(
        "Brake pads worn|Visit workshop", "Bremsbeläge prüfen|Werkstatt aufsuchen",
        "Plaquettes usées|Allez à l'atelier",
        "Pastillas gastadas|Vaya al taller"), _on("ESC_BrakeService", "BrakePadWear")),
    WarningKind(23, "break_recommended", _CAUTION, "attention", _texts(
        "Take a break", "Bitte Pause machen", "Faites une pause", "Haga una pausa"),
        _on("ADAS_DriverMonitor", "BreakRecommended")),
    WarningKind(24, "particulate_filter", _CAUTION, "particulate_filter", _texts(
        "Particulate filter full|Drive on", "Partikelfilter voll|Weiterfahren", "Filtre plein|Continuez à rouler",
        "Filtro lleno|Siga conduciendo"), _on("ECM_Emission", "ParticulateFilter", 3)),
    WarningKind(25, "suspension_fault", _CAUTION, "suspension", _texts(
        "Suspension fault|Drive slowly", "Fahrwerk defekt|Langsam fahren", "Suspension HS|Roulez lentement",
        "Fallo de suspensión|Conduzca despacio"), _on("SUSP_Height", "SuspensionFault"), feature="air_suspension"),
    WarningKind(26, "key_battery", _INFORMATION, "immobiliser", _texts(
        "Key battery low", "Schlüsselbatterie leer", "Pile de clé faible", "Pila de llave baja"),
        _on("BCM_PowerMode", "KeyBatteryLow")),
    WarningKind(27, "washer_fluid", _INFORMATION, "washer", _texts(
        "Washer fluid low", "Wischwasser leer", "Lave-glace bas", "Lavaparabrisas bajo"),
        _on("BCM_Wipers", "WasherFluidLow")),
    WarningKind(28, "service_due", _INFORMATION, "service", _texts(
        "Service due", "Service fällig", "Entretien à faire", "Revisión pendiente"), _on("ECM_Service", "ServiceDue")),
    WarningKind(29, "bulb_failed", _INFORMATION, "bulb", _texts(
        "Check lights", "Beleuchtung prüfen", "Contrôlez les feux", "Revise las luces"), _on("BCM_Lights",
        "BulbFault")),
    WarningKind(30, "charge_cable", _INFORMATION, "charge_plug", _texts(
        "Charging cable|connected", "Ladekabel|verbunden", "Câble de charge|branché", "Cable de carga|conectado"),
        _on("OBC_Charging", "ChargePlug", 1, 2), feature="hybrid"),
    WarningKind(31, "speed_limit", _INFORMATION, "", _texts(
        "Speed limit exceeded", "Tempolimit beachten", "Limite dépassée", "Límite excedido"),
        _on("ADAS_TrafficSign", "SpeedLimitExceeded")),
    WarningKind(32, "gear_implausible", _CAUTION, "transmission", _texts(
        "Gear display fault|Visit workshop", "Ganganzeige gestört|Werkstatt aufsuchen",
        "Affichage du rapport|Allez à l'atelier", "Indicador de marcha|Vaya al taller"),
        rule="gear_implausible", lost=("TCM_Gear",)),
    WarningKind(33, "press_brake_to_shift", _INFORMATION, "", _texts(
        "Press brake|to shift", "Zum Schalten|Bremse treten", "Pour changer|freinez", "Pise el freno|para cambiar"),
        _on("TCM_Gear", "ShiftRefused", 1)),
    WarningKind(34, "engine_fault", _WARNING, "engine", _texts(
        "Engine fault|Visit workshop", "Motor defekt|Werkstatt aufsuchen", "Moteur défectueux|Allez à l'atelier",
        "Fallo del motor|Vaya al taller"), _on("ECM_Engine", "MalfunctionLamp"), ("ECM_Engine",)),
    WarningKind(35, "overvoltage", _WARNING, "battery", _texts(
        "Voltage too high|Visit workshop", "Spannung zu hoch|Werkstatt aufsuchen",
        "Tension trop haute|Allez à l'atelier",
        "Tensión muy alta|Vaya al taller"), rule="overvoltage"),
)  # fmt: skip
BY_NAME: Final = {kind.name: kind for kind in WARNINGS}
